/** What keeps the log short and whole: a limit on lines others can provoke, and one line an event in text or JSON. */
package io.vireo.monitoring.log;
