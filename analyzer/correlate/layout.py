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

# What a message is, in counts.
UNIQUE, RESEND, COPY = range(3)

# Transaction rows (T_*). The first cache line is what every message looks at, then comes what it may repeat. A
# transaction that ends unnamed is looked at in the first line alone.
T_KEY_0 = 0
T_KEY_1 = 1
T_GROUP = 2  # slot of its group
T_STATE = 3  # position in vocab.TransactionState
T_STATUS = 4  # final status code, 0 while there is none
T_SEEN_COUNT = 5
T_FLAGS = 6  # TF_*
T_NEXT = 7  # next transaction of the group, or free place; -1
T_SAME = 8  # keys and message numbers of the first MAX_SAME messages seen, in pairs
T_SEEN = 20  # first entry of its list of messages seen; -1
T_ATTEMPT = 21  # which attempt of the call it belongs to, from 1
T_HOP = 22  # Via values minus one
T_CSEQ = 23
T_RESPONSES = 24  # responses seen, resends included
T_REQUEST_RESENDS = 25
T_RESPONSE_RESENDS = 26
T_FIRST_RESPONSE_TS = 27
T_PROGRESS_TS = 28  # first 101-199
T_PROGRESS_CLOCK = 29
T_REQUEST_CLOCK = 30  # the capture's clock when the request, the last 101-199 and the final were seen
T_LAST_FINAL_TS = 31  # last sight of the final, resends included
T_METHOD = 32
T_CLIENT = 33  # endpoint numbers
T_SERVER = 34
T_PORTS = 35  # client port << 16 | server port
T_TRANSPORT = 36
T_NETWORK = 37
T_CAPTURE_NO = 38
T_REQUEST_NO = 39  # message numbers, 0 = none
T_FINAL_NO = 40
T_ACK_NO = 41
T_REQUEST_TS = 42  # MISSING = none
T_FINAL_TS = 43
T_ACK_TS = 44
T_FINAL_CLOCK = 45
T_CANCEL_TS = 46  # CANCEL seen for this INVITE; MISSING
T_CANCEL_Q850 = 47
T_CANCEL_SIP = 48
T_RESPONDER = 49  # endpoint that sent the final
T_FINAL_Q850 = 50
T_FINAL_SIP = 51
T_FINAL_LOCATION = 52
T_FINAL_ISUP = 53
T_FINAL_VENDOR_CAUSE = 54
T_FINAL_WARNING = 55
T_FINAL_FLAGS = 56  # M_FLAGS of the final
T_PROGRESS_Q850 = 57  # Q.850 value of the last 18x that carried one
T_AGENT = 58  # word numbers, -1 = none: User-Agent of the request, agent and phrase of the final
T_FINAL_AGENT = 59
T_FINAL_PHRASE = 60
T_TEXT = 61  # where Call-ID and branch stand in the arena; -1
T_CALL_ID_LENGTH = 62
T_BRANCH_LENGTH = 63
T_PROGRESS_TAG = 64  # To tag of the 18x that T_PROGRESS_Q850 is from
T_FINAL_TAG = 65
T_ALERT_TS = 66  # first 180, or 18x with SDP
T_MEDIA_TS = 67  # first 18x with SDP
T_NO = 68  # transaction_no
T_CALL_NO = 69  # 0 = none
T_REGISTRATION_NO = 70  # 0 = none
T_CALL_SLOT = 71  # group slot of the call that an in-dialog request belongs to; -1
T_RETRY_AFTER = 72  # of the final, s; MISSING
T_LAST_REQUEST_TS = 73  # last sight of the request, resends included
T_COLUMNS = 80  # whole cache lines
MAX_SAME = 6

#: What is handed out of transactions of no call and no registration, when the transactions table is not asked for.
TOLD_OF_OTHERS = (
    T_GROUP, T_STATE, T_STATUS, T_FLAGS, T_PROGRESS_CLOCK, T_REQUEST_CLOCK, T_METHOD, T_CLIENT, T_SERVER, T_NETWORK,
    T_CAPTURE_NO, T_REQUEST_NO, T_REQUEST_TS, T_RETRY_AFTER, T_NO, T_CALL_NO,
)  # fmt: skip

# T_FLAGS
TF_REQUEST = 1  # its request was seen
TF_RESPONSE = 2  # any response was seen
TF_RINGING = 4  # any of 180-183
TF_PROGRESS = 8  # any of 101-199
TF_CREDENTIALS = 16  # the request carries credentials
TF_LATE = 32  # its final came after its timer: it decides nothing
TF_CANCELLED = 64  # a CANCEL was seen for it
TF_IN_DIALOG = 128  # its request carries a To tag
TF_CROSSED = 256  # a request inside a dialog that met a BYE of the other side, or that BYE

# Group rows (G_*). A group without a number of its own uses the first cache line alone, a message of a call the second.
G_KIND = 0  # GROUP_*
G_DUE = 1  # when it ends if nothing happens, on the capture's clock
G_ARMED = 2  # second at which the wheel looks at it
G_PREVIOUS = 3  # its neighbours in the wheel's bucket; -1
G_FOLLOWING = 4
G_FIRST_TX = 5
G_LAST_TX = 6
G_TX_COUNT = 7
G_NO = 8  # call_no or registration_no
G_STATUS = 9  # best final at that hop, 0 while there is none
G_ANSWER_TS = 10
G_BYE_TS = 11
G_MESSAGES = 12
G_RESENDS = 13
G_HOP = 14  # lowest hop seen of the current attempt
G_ATTEMPTS = 15
G_TIMER = 16  # clock at which the current attempt times out
G_FORKS = 17
G_TAG_0 = 18  # the first four To tags seen in responses (64 bits each), further ones from G_TAG_4 on
G_TAG_1 = 19
G_TAG_2 = 20
G_TAG_3 = 21
G_CSEQ = 22  # of the current attempt
G_CHALLENGES = 23
G_KEY_0 = 24  # (network, Call-ID, From tag) of a call; (network, Call-ID) of a registration
G_KEY_1 = 25
G_ALIAS_0 = 26  # the same with the From tag that came after a challenge; 0, 0 = none
G_ALIAS_1 = 27
G_LATEST_0 = 28  # (Call-ID): the newest call of that Call-ID
G_LATEST_1 = 29
G_CAPTURE_NO = 30
G_FRAME_NO = 31
G_NETWORK = 32
G_FROM = 33  # K_FROM of the first INVITE
G_START_TS = 34
G_FINAL_TS = 35
G_FINAL_CLOCK = 36
G_REFUSED = 37  # 1 = a challenge in spite of credentials, not stale: decides at once
G_RETRY_AFTER = 38  # of that final; MISSING
G_ANSWER_CLOCK = 39
G_ACK_TS = 40
G_ANSWER_CSEQ = 41
G_ANSWER_TX = 42  # slot of the transaction that was answered; -1
G_BYE_CLOCK = 43
G_BYE_BY_CALLEE = 44
G_BYE_Q850 = 45
G_BYE_SIP = 46
G_BYE_FLAGS = 47
G_BYE_STATUS = 48  # final response to the BYE; 0
G_BYE_FINAL_TS = 49
G_INNER_TX = 50  # newest re-INVITE: slot, transaction_no and CSeq number, for its ACK
G_INNER_NO = 51
G_INNER_CSEQ = 52
G_HOPS = 53  # bit mask of hops seen (0-62)
G_TEXT = 54  # where its texts stand in the arena, end to end in the order of the lengths
G_LAST_TS = 55  # last request heard inside the dialog; MISSING
G_BYE_TX = 56  # slot of the transaction of G_BYE_NO
G_ANSWERS = 57  # different To tags that answered with 2xx at the lowest hop
G_FLAGS = 58  # M_FLAGS of the first INVITE
G_TO_TAG_TEXT = 60  # where the confirmed To tag stands in the arena
G_TO_TAG_LENGTH = 61
G_SESSION_DUE = 62  # clock at which the session timer of the answered call runs out; MISSING
G_EXPIRES = 63  # registrations: s
G_DIALOG_LOST = 64  # 1 = a request inside the dialog was answered 408 or 481
G_ANSWER_TAG = 65  # To tag of the 2xx that answered
G_BYE_VENDOR_CAUSE = 66
G_ASKED = 67  # registrations: lifetime asked for, s
G_BYE_NO = 68  # transaction_no of the BYE that ends it
G_ONLY_ASKS = 69  # registrations: 1 = the last REGISTER has no Contact
G_TOLD = 70  # 1 = what became of it was told before it ended (`look_kernels.tell`)
G_LENGTHS = 72  # GT_COLUMNS lengths from here, -1 = missing
G_TAG_4 = 80  # To tags MAX_FIRST_TAGS to MAX_TAGS - 1
G_COLUMNS = 96  # whole cache lines
G_OTHER_COLUMNS = 8  # what a group without a number of its own uses

GT_CALL_ID = 0
GT_FROM_TAG = 1
GT_FROM_URI = 2
GT_TO_URI = 3
GT_REQUEST_URI = 4  # registrations: Contact
GT_SESSION_ID = 5  # registrations have none of these
GT_LINKED_ID = 6
GT_ORIGIN = 7
GT_COLUMNS = 8

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
S_KEEP_TX = 22  # 1 = transactions are handed out, with their texts
S_CLOSING = 23
S_STEPPED = 24  # 1 while the messages are behind the clock
S_TOUCHED = 25  # a number of no meaning: what rows were looked at ahead of their use
S_OFF = 26  # OFF_*: rules of counting that are switched off
S_COLUMNS = 27

# Rules of data/counting_rules.toml that the kernels follow unless S_OFF has their bit.
OFF_CHALLENGE = 1
OFF_REDIRECT = 2
OFF_CSEQ_METHOD = 4
OFF_IN_DIALOG = 8
OFF_RESENDS = 16
OFF_FORKS = 32
OFF_HOPS = 64
OFF_ORDER = 128
OFF_REUSE = 256
OFF_ROUTE_ADVANCE = 512
OFF_EARLY_MEDIA = 1024
OFF: dict[str, int] = {
    "challenge": OFF_CHALLENGE,
    "redirect": OFF_REDIRECT,
    "cseq_method": OFF_CSEQ_METHOD,
    "in_dialog": OFF_IN_DIALOG,
    "resends": OFF_RESENDS,
    "forks": OFF_FORKS,
    "hops": OFF_HOPS,
    "order": OFF_ORDER,
    "reuse": OFF_REUSE,
    "route_advance": OFF_ROUTE_ADVANCE,
    "early_media": OFF_EARLY_MEDIA,
}

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
NOTE_LIMIT = 8192  # per batch; beyond it they are only counted

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
MAX_FIRST_TAGS = 4  # To tags kept among what every message of a call looks at
MAX_TAGS = 20  # To tags kept of a call; beyond them each change counts as one more
MAX_SEEN = 64  # different messages remembered of one transaction
MAX_WORDS = 100_000  # different agents and phrases kept

# In a row that is handed out, some columns say something else (their first use is over).
OUT_CLOCK = G_ARMED  # the capture's clock when the group ended
OUT_CLOSING = G_PREVIOUS  # 1 = it was ended by the end of the capture
OUT_FIRST_TX = G_FIRST_TX  # its first transaction among those handed out, the others follow
OUT_TX_CLOCK = T_SEEN
