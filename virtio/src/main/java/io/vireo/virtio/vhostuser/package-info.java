/** The vhost-user protocol, back-end side: messages, their codec and the session's state machine; no sockets, no threads. */
package io.vireo.virtio.vhostuser;
