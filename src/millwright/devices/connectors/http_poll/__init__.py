"""HTTP: values out of JSON documents that are fetched again and again.

One request for each document, whatever number of points is taken from it. What the documents are is said by the
settings and addresses below one origin; a redirect is not followed.

Not there: XML and CSV, paging, OAuth, writing.
"""
