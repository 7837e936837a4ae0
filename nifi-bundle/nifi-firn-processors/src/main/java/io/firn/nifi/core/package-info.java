/**
 * The Java face of Firn's native core. START HERE for the boundary: {@link io.firn.nifi.core.FirnLibrary} loads the library, the classes
 * beside it each hold one kind of native session. Knows nothing of NiFi.
 */
package io.firn.nifi.core;
