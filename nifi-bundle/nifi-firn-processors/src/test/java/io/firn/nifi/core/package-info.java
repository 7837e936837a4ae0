/** Tests of the native boundary with careless and hostile calls. */
package io.firn.nifi.core;
