"""The authorization server and the API's protector, on Authlib, with its known gaps closed.

Authlib's hooks reach the database through the request's one transaction: nothing here commits.
"""
