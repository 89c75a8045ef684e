"""A list API that answers as its schema says, from a database of made-up records: something to try queries on."""
