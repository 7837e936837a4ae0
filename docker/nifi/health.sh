#!/bin/bash
# That NiFi listens. Whether it is well, setup finds out, which logs in.
exec 3<>/dev/tcp/127.0.0.1/8443
