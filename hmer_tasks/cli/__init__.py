"""The command line: `app.py` names the commands, the other files hold a group of commands each."""
