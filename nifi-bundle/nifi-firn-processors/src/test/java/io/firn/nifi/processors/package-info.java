/** Tests of the processors in NiFi's own test harness, with the real native library. */
package io.firn.nifi.processors;
