"""Every limit that both ends know, with its unit, in one place."""

from typing import Final

REQUEST_BYTES: Final = 64 * 1024
ANSWER_BYTES: Final = 32 * 1024 * 1024  # unpacked, that a device takes in: every export and page is far less
GREETING_BYTES: Final = 1024 * 1024  # unpacked, of a server that nobody has joined yet
IDEMPOTENCY_KEY_CHARACTERS: Final = 64
UNKNOWN_RECIPIENTS_PER_DAY: Final = 10  # so that nobody finds out by trying who takes part
IDEMPOTENCY_KEY_DAYS: Final = 100  # how long an answer is kept: a device's outbox may wait for months
REQUEST_DAYS: Final = 90  # for which what is asked again under a key may still be done: well before that is over

EMAIL_CHARACTERS: Final = 254  # RFC 5321, 4.5.3.1.3
NAME_CHARACTERS: Final = 80
ADDRESS_CHARACTERS: Final = 400
IDENTIFIER_CHARACTERS: Final = 80
FRAME_CHARACTERS: Final = 400  # a whole dynamic MV1 frame is 310

SIGN_IN_CODE_DIGITS: Final = 6
SIGN_IN_LONG_CODE_DIGITS: Final = 8  # of a code to a mail address that was sent many
SIGN_IN_SHORT_CODES_PER_DAY: Final = 6  # to one mail address; those after them are long
SIGN_IN_CODE_MINUTES: Final = 10
SIGN_IN_CODE_TRIES: Final = 5  # at a code, from one network address or by a device that has tries of its own
SIGN_IN_CODE_TRIES_OF_ALL: Final = 20  # at a code, from all network addresses together
SIGN_IN_CODES_AT_ONCE: Final = 6  # good ones to one mail address: who asks for more has as many to choose from
SIGN_IN_CODES_PER_HOUR: Final = 6  # to one mail address, asked for from one network address
SIGN_IN_CODES_PER_HOUR_OF_ALL: Final = 300  # to all mail addresses, from one network address: many phones may share it
VOUCHER_USES: Final = 20  # of one redemption
HOLD_MINUTES: Final = 5  # that a till may hold an amount, and after a voucher was shown may still ask for one
TYPED_CODES_PER_MINUTE: Final = 10  # by one till, and from one address
ENROLMENT_CODE_MINUTES: Final = 60
WRONG_ENROLMENTS_PER_MINUTE: Final = 10  # from one address
PASSES_PER_MINUTE: Final = 6  # by one participant
EXPORTS_PER_MINUTE: Final = 6  # by one participant
PASS_PICTURE_BYTES: Final = 160 * 1024  # of a reward's picture in a pass; a larger one is left out
PASS_LINK_CHARACTERS: Final = 1800  # that Google says browsers are sure to take

PICTURE_SOURCE_BYTES: Final = 20 * 1024 * 1024  # of the file that a programme names
PICTURE_SOURCE_PIXELS: Final = 40_000_000  # that it may unpack to, each 4 bytes of memory
WEBP_SOURCE_PIXELS: Final = 12_000_000  # of WebP, which takes four times as much as it unpacks
PICTURE_BYTES: Final = 256 * 1024  # of a picture as it is served, in its largest size
PICTURES_KEPT_BYTES: Final = 64 * 1024 * 1024  # on a device; those seen least recently go first
PICTURES_AT_ONCE: Final = 4  # that a device asks for

ACCESS_TOKEN_MINUTES: Final = 10
REFRESH_TOKEN_DAYS: Final = 60
REFRESH_REPLY_SECONDS: Final = 30  # within which a lost reply is answered again
LEASE_HOURS: Final = 72

REMINDERS_AT_ONCE: Final = 50  # in one notification, of which it names the first
TOLD_REMINDER_DAYS: Final = 90  # that it is known what was told: longer than anybody is reminded ahead
ACTIVITY_PAGE_ROWS: Final = 100
CATALOG_PAGE_ROWS: Final = 1000
CATALOG_LOAD_ROWS: Final = 2000  # of a page in columns, which pack smaller the more there are
CATALOG_DAYS: Final = 7  # for how long a device believes what was signed of the catalog
LOST_KEYS: Final = 10  # of typed codes without an answer, that come with a scan
SCANS_PAGE_ROWS: Final = 200
CONFLICT_DAYS: Final = 30  # how long scans with a conflict come along, however many there are since
CLOCK_SKEW_SECONDS: Final = 60  # beyond which a device's clock is called wrong
