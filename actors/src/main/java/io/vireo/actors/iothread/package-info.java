/** The IOThread: one OS thread that is an Akka dispatcher, an event loop and the owner of its virtqueues and ring. */
package io.vireo.actors.iothread;
