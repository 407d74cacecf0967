"""Google's refusals: `rejection` tells them from an application's answer, `advice` says what helps.

`sign_in` knows redirects from which no browser comes back, `cloud_run` what names alone tell.
"""
