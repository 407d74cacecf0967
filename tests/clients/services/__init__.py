"""What the programs of `program_list.py` talk to; each yields what the pretend Cloud Run runs."""
