"""The documents as tests see them: their pages, their examples, and the tables made from code.

``python -m tests.documents`` writes the tables again.
"""
