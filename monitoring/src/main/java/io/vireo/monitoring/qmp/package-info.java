/** QMP's words as records and values: bytes to requests, answers and events to bytes. No socket, no thread. */
package io.vireo.monitoring.qmp;
