/** Tests of the NAR in a real NiFi, over its REST API. Start with {@link io.firn.nifi.host.RealNifi}. */
package io.firn.nifi.host;
