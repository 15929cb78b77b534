/** End to end: the real launcher and daemon, judged from outside. */
package io.vireo.test;
