"""The pages for people who use no shell: `informativa web`. Each is parse → operation → view."""
