"""The command line: one file a command; what several share lies in files that begin with an underscore."""
