"""Incidents: begun and ended by what health and breakers say, with a timeline, and the review that is written afterwards."""
