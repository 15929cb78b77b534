/**
 * The guest's side: memory, a driver's virtqueue, loads that drive a disk and judge it, and a vhost-user front-end.
 *
 * <p>It exists to find mistakes of the device side, so it shares nothing with it but the specification's constants; a
 * test holds that. As it plays the guest, it reads the clock and draws random numbers itself.
 */
package io.vireo.virtio.driver;
