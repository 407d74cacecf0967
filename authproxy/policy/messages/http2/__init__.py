"""Requests and answers of HTTP/2: `call` is a request, `call_fields` reads and writes its
fields, and `answer_validity` says what is wrong with those of an answer.
"""
