"""Local stand-ins for the vendors: strict, unreliable and controllable.

They share no code with the clients, so that a misreading does not pass on both sides.
"""
