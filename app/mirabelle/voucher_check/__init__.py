"""What `mirabelle voucher check` does: judge a file of frames, or explain one, with the rules and the contract alone.

It needs no server, no app and no database, so that whoever writes another till or issuer can hold it beside theirs.
"""
