package io.vireo.actors.device;

import io.vireo.virtio.queue.VirtqueueBroken;

/** Told what goes wrong with a device. Called on its IOThread, so nothing here may block. */
public interface DeviceListener {
    /** The driver broke a MUST; that virtqueue is not served any more. */
    void virtqueueBroken(int queue, VirtqueueBroken reason);

    /**
     * A request was answered with an error.
     *
     * @param reason one of {@link io.vireo.monitoring.metrics.Reason}
     * @param errno 0 when the request itself was wrong
     */
    void requestFailed(int queue, int type, long offsetBytes, int reason, int errno);

    /**
     * The drive has failed a request. Of requests that stop the device only the first is told, until it goes on.
     *
     * @param error what was done about it; one that is reported is told again as {@link #requestFailed}
     */
    void ioError(IoError error);

    /** The device's actors on one IOThread are gone: it serves nothing more until it is opened anew. */
    void failed(Throwable reason);
}
