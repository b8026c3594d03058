"""The columns of the correlator's state: int64 arrays that the step kernels walk and Python grows.

A *transaction* row is one transaction on one hop. A *group* row is what lives and ends together: a call with the
transactions of its INVITEs outside a dialog, a registration with its REGISTERs, or a single other transaction
(BYE, OPTIONS, a re-INVITE, a response whose request was not seen). Only groups have timers; when a group ends, its
row and its transactions' rows are copied out and their places are free again.

Numbers are part of compiled kernels: `jit.kernel_files` names this file.
"""

from __future__ import annotations

# Keys of a message (K_*): 128 bits each, keyed, of the octets on the wire.
K_CALL_0 = 0  # Call-ID
K_CALL_1 = 1
K_FROM = 2  # From tag, 64 bits: always used beside the Call-ID
K_TO = 3  # To tag; 0 when missing
K_TX_0 = 4  # branch, sent-by, Call-ID and CSeq number: the transaction but for its method
K_TX_1 = 5
K_SAME = 6  # what makes a message a resend of another one of its transaction
K_COLUMNS = 7

# Transaction rows (T_*). The first eight are what nearly every message looks at.
T_KEY_0 = 0
T_KEY_1 = 1
T_GROUP = 2  # slot of its group
T_STATE = 3  # position in vocab.TransactionState
T_STATUS = 4  # final status code, 0 while there is none
T_SEEN = 5  # first entry of its list of messages seen; -1
T_FLAGS = 6  # TF_*
T_METHOD = 7
T_NEXT = 8  # next transaction of the group; -1
T_NO = 9  # transaction_no
T_CALL_NO = 10  # 0 = none
T_REGISTRATION_NO = 11  # 0 = none
T_CALL_SLOT = 12  # group slot of the call that an in-dialog request belongs to; -1
T_ATTEMPT = 13  # which attempt of the call it belongs to, from 1
T_CSEQ = 14
T_HOP = 15  # Via values minus one
T_CLIENT = 16  # endpoint numbers
T_SERVER = 17
T_PORTS = 18  # client port << 16 | server port
T_TRANSPORT = 19
T_NETWORK = 20
T_CAPTURE_NO = 21
T_REQUEST_NO = 22  # message numbers, 0 = none
T_FINAL_NO = 23
T_ACK_NO = 24
T_REQUEST_TS = 25  # MISSING = none
T_FIRST_RESPONSE_TS = 26
T_PROGRESS_TS = 27  # first 101-199
T_FINAL_TS = 28
T_ACK_TS = 29
T_LAST_FINAL_TS = 30  # last sight of the final, resends included
T_REQUEST_CLOCK = 31  # the capture's clock when the request, the last 101-199 and the final were seen
T_PROGRESS_CLOCK = 32
T_FINAL_CLOCK = 33
T_REQUEST_RESENDS = 34
T_RESPONSE_RESENDS = 35
T_CANCEL_TS = 36  # CANCEL seen for this INVITE; MISSING
T_CANCEL_Q850 = 37
T_CANCEL_SIP = 38
T_RESPONDER = 39  # endpoint that sent the final
T_FINAL_Q850 = 40
T_FINAL_SIP = 41
T_FINAL_LOCATION = 42
T_FINAL_ISUP = 43
T_FINAL_VENDOR_CAUSE = 44
T_FINAL_WARNING = 45
T_FINAL_FLAGS = 46  # M_FLAGS of the final
T_RETRY_AFTER = 47
T_PROGRESS_Q850 = 48  # Q.850 value of the last 18x that carried one
T_AGENT = 49  # word numbers, -1 = none: User-Agent of the request, agent and phrase of the final
T_FINAL_AGENT = 50
T_FINAL_PHRASE = 51
T_TEXT = 52  # where Call-ID and branch stand in the arena; -1
T_CALL_ID_LENGTH = 53
T_BRANCH_LENGTH = 54
T_RESPONSES = 55  # responses seen, resends included
T_SEEN_COUNT = 56
T_PROGRESS_TAG = 57  # To tag of the 18x that T_PROGRESS_Q850 is from
T_FINAL_TAG = 58
T_COLUMNS = 59

# T_FLAGS
TF_REQUEST = 1  # its request was seen
TF_RESPONSE = 2  # any response was seen
TF_RINGING = 4  # any of 180-183
TF_PROGRESS = 8  # any of 101-199
TF_CREDENTIALS = 16  # the request carries credentials
TF_TO_TAG = 32  # the request has a To tag: it is inside a dialog
TF_LATE = 64  # its final came after its timer: it decides nothing
TF_CANCELLED = 128  # a CANCEL was seen for it
TF_NO_CONTACT = 256  # a REGISTER without Contact: it only asks

# Group rows (G_*).
G_KIND = 0  # GROUP_*
G_KEY_0 = 1  # (network, Call-ID, From tag) of a call; (network, Call-ID) of a registration
G_KEY_1 = 2
G_ALIAS_0 = 3  # the same with the From tag that came after a challenge; 0, 0 = none
G_ALIAS_1 = 4
G_LATEST_0 = 5  # (Call-ID): the newest call of that Call-ID
G_LATEST_1 = 6
G_DUE = 7  # when it ends if nothing happens, on the capture's clock
G_ARMED = 8  # second at which the wheel looks at it
G_PREVIOUS = 9  # its neighbours in the wheel's bucket; -1
G_FOLLOWING = 10
G_FIRST_TX = 11
G_LAST_TX = 12
G_TX_COUNT = 13
G_NO = 14  # call_no or registration_no
G_CAPTURE_NO = 15
G_FRAME_NO = 16
G_NETWORK = 17
G_FROM = 18  # K_FROM of the first INVITE
G_START_TS = 19
G_ATTEMPTS = 20
G_CHALLENGES = 21
G_CSEQ = 22  # of the current attempt
G_HOP = 23  # lowest hop seen of the current attempt
G_STATUS = 24  # best final at that hop, 0 while there is none
G_FINAL_TS = 25
G_FINAL_CLOCK = 26
G_REFUSED = 27  # 1 = a challenge in spite of credentials, not stale: decides at once
G_RETRY_AFTER = 28  # of that final; MISSING
G_ANSWER_TS = 29
G_ANSWER_CLOCK = 30
G_ACK_TS = 31
G_ANSWER_CSEQ = 32
G_ANSWER_TX = 33  # slot of the transaction that was answered; -1
G_BYE_TS = 34
G_BYE_CLOCK = 35
G_BYE_BY_CALLEE = 36
G_BYE_Q850 = 37
G_BYE_SIP = 38
G_BYE_FLAGS = 39
G_BYE_STATUS = 40  # final response to the BYE; 0
G_BYE_FINAL_TS = 41
G_INNER_TX = 42  # newest re-INVITE: slot, transaction_no and CSeq number, for its ACK
G_INNER_NO = 43
G_INNER_CSEQ = 44
G_MESSAGES = 45
G_RESENDS = 46
G_TAG_0 = 47  # To tags seen in responses (64 bits each); beyond four only counted as more
G_TAG_1 = 48
G_TAG_2 = 49
G_TAG_3 = 50
G_FORKS = 51
G_HOPS = 52  # bit mask of hops seen (0-62)
G_TEXT = 53  # where its texts stand in the arena, end to end in the order of the lengths
G_LENGTHS = 54  # GT_COLUMNS lengths from here, -1 = missing
G_TO_TAG_TEXT = 60  # where the confirmed To tag stands in the arena
G_TO_TAG_LENGTH = 61
G_SESSION_DUE = 62  # clock at which the session timer of the answered call runs out; MISSING
G_EXPIRES = 63  # registrations: s
G_SERIAL = 64  # tells a reused slot from the group that somebody remembers
G_TIMER = 65  # clock at which the current attempt times out
G_DIALOG_LOST = 66  # 1 = a request inside the dialog was answered 408 or 481
G_ANSWER_TAG = 67  # To tag of the 2xx that answered
G_BYE_VENDOR_CAUSE = 68
G_ASKED = 69  # registrations: lifetime asked for, s
G_COLUMNS = 70

GT_CALL_ID = 0
GT_FROM_TAG = 1
GT_FROM_URI = 2
GT_TO_URI = 3
GT_REQUEST_URI = 4  # registrations: Contact
GT_COLUMNS = 5

GROUP_FREE = 0
GROUP_CALL = 1
GROUP_REGISTRATION = 2
GROUP_OTHER = 3
GROUP_ORPHAN = 4  # responses whose request was not seen

# Scalars (S_*).
S_CLOCK = 0  # highest time seen
S_WHEEL = 1  # second up to which the wheel was read
S_TX_FREE = 2  # head of the free list; -1
S_TX_USED = 3  # rows ever used
S_GROUP_FREE = 4
S_GROUP_USED = 5
S_SEEN_FREE = 6
S_SEEN_USED = 7
S_TX_NO = 8
S_CALL_NO = 9
S_REGISTRATION_NO = 10
S_ARENA = 11  # octets used
S_ENDPOINTS = 12
S_WORDS = 13
S_WORD_OCTETS = 14
S_OUT_GROUPS = 15
S_OUT_TX = 16
S_OUT_TEXT = 17
S_ORPHANS = 18
S_NOTES = 19
S_TX_LIVE = 20
S_GROUP_LIVE = 21
S_SERIAL = 22
S_KEEP_TX = 23  # 1 = transactions are handed out, with their texts
S_CLOSING = 24
S_STEPPED = 25  # 1 while the messages are behind the clock
S_COLUMNS = 26

# Why a kernel returned before the batch was done.
DONE = 0
FULL = 1  # something must grow
DRAIN = 2  # ended groups must be taken out

# Notes that the kernels make (N_*): code, message_no, frame_no, ts, capture_no, detail number.
NOTE_UNEXPECTED_RESPONSE = 0
NOTE_LATE_RESPONSE = 1
NOTE_TOO_MANY_RESPONSES = 2
NOTE_TOO_MANY_ATTEMPTS = 3
NOTE_CLOCK_STEP = 4
NOTE_TOO_MANY_WORDS = 5
NOTE_COLUMNS = 6
NOTE_LIMIT = 4096  # per batch; further ones are only counted

SECOND = 1_000_000_000
NO_REPLY = 32 * SECOND  # 64*T1: Timer B and F, RFC 3261 §17.1.1.2
RINGING = 180 * SECOND  # Timer C, RFC 3261 §16.6
CHALLENGE_WINDOW = 5 * SECOND
REPEAT_WINDOW = 32 * SECOND
LINGER = 64 * SECOND  # how long what has ended still takes resends
FORGOTTEN = 4 * 3600 * SECOND  # an answered call of which nothing more is heard
CLOCK_STEP = 60 * SECOND  # a jump back by more is noted
WHEEL = 1024  # buckets of one second
MAX_CALL_TX = 64  # INVITE transactions kept with one call
MAX_SEEN = 64  # different messages remembered of one transaction
MAX_WORDS = 100_000  # different agents and phrases kept

# In a row that is handed out, some columns say something else (their first use is over).
OUT_CLOCK = G_ARMED  # the capture's clock when the group ended
OUT_CLOSING = G_PREVIOUS  # 1 = it was ended by the end of the capture
OUT_FIRST_TX = G_FIRST_TX  # its first transaction among those handed out, the others follow
OUT_TX_CLOCK = T_SEEN
OUT_TX_CLOSING = T_NEXT
