/** The NiFi processors: they turn properties and FlowFiles into calls of {@link io.firn.nifi.core}. */
package io.firn.nifi.processors;
