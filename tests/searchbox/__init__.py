"""A package, so that the browser of its fixture is closed after its last test: while Playwright runs, no test in the
same thread can start an event loop.
"""
