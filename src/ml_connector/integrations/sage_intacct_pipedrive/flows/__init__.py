"""The flows of this pair, one file each, and the steps that they share."""
