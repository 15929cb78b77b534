/** Sockets of vhost-user exports: who may connect, and the thread that serves whoever did. */
package io.vireo.actors.vhostuser;
