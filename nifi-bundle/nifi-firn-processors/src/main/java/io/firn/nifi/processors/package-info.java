/** The processors as they stand on the canvas: properties and relationships in, calls of {@link io.firn.nifi.core} out. */
package io.firn.nifi.processors;
