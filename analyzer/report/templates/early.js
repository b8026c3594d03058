"use strict";
// Before anything is drawn: that scripts run, and which colours the reader chose the last time.
document.documentElement.classList.add("js");
try {
  const theme = localStorage.getItem("sipcause.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch (refused) { /* a file that may store nothing still shows everything */ }
