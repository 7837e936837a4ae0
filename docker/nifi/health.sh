#!/bin/bash
# Checks only that NiFi listens; setup logs in and checks the rest.
exec 3<>/dev/tcp/127.0.0.1/8443
