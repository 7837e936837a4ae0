/** The native boundary, called as a careless or hostile caller would. */
package io.firn.nifi.core;
