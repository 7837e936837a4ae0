/**
 * The Java API of Firn's native core. Start with {@link io.firn.nifi.core.FirnLibrary}, which loads the library; the classes
 * beside it each hold one kind of native session. Knows nothing of NiFi.
 */
package io.firn.nifi.core;
