"""Charts as data, a kind a file: the numbers are drawn in the browser, and stand below as a table."""
