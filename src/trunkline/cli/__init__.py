"""The command line. Each command is a file that is imported only when it runs, so that help is instant."""
