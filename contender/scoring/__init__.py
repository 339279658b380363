"""Files of rows to predictions, each row once.

    upload ─► intake: whose, by whom, which rows ─► messages of many rows ─► score: one request a message ─► table
                │ too large                             ▲                       │ the last one
                └──► batch pipeline ─► its result ──────┘                       └──► report, file moved

upload.py        a file as it was uploaded, and the places it goes to
source.py        bytes of an object's version: read, copied
rows.py          a CSV file cut where rows end, and what stands in a cut
scorer.py        the version that scores a dimension's files, and the columns it reads
model.py         many rows in one request; those that the model refuses are found
chunk.py         a message: which rows of which file
answers.py       what a chunk's rows were answered, once and for all
file.py          how far a file is
store.py         all of that in DynamoDB
intake.py        an upload, or the end of a batch execution, becomes messages
batch_result.py  what a batch execution left: scores, and why some rows have none
score.py         a message becomes items
finishing.py     the report, and the file's way to where it stays
refusing.py      a file that cannot be scored at all
dead_letters.py  what could not be done, in the dead-letter queue
retry.py         another try for what is there
"""
