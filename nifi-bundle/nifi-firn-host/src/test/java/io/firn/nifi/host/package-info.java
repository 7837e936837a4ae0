/** The NAR in a real NiFi, driven over its REST API. START HERE: {@link io.firn.nifi.host.RealNifi}. */
package io.firn.nifi.host;
