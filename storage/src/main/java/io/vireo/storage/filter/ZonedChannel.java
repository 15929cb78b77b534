package io.vireo.storage.filter;

import io.vireo.posix.Errno;
import io.vireo.storage.node.Admission;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.Operation;
import io.vireo.storage.zone.ZoneCommand;
import io.vireo.storage.zone.Zones;

/**
 * Asks the zones about each request, then hands it down: an append as a write where it belongs, and what is done to a
 * zone, since it is done by then, as a flush, so that it takes as long as other requests do.
 */
final class ZonedChannel implements NodeChannel {
    private final Admission admission;
    private final boolean readOnly;
    private final Zones zones;
    private final NodeChannel below;

    ZonedChannel(ZonedNode node, Zones zones, NodeChannel below) {
        this.admission = new Admission(node);
        this.readOnly = node.readOnly();
        this.zones = zones;
        this.below = below;
    }

    @Override
    public boolean wantsAnnouncements() {
        return below.wantsAnnouncements();
    }

    @Override
    public void announce(long offsetBytes) {
        below.announce(offsetBytes);
    }

    @Override
    public void submit(IoRequest request) {
        int errno = judge(request);
        if (errno != 0) request.complete(errno);
        else below.submit(request);
    }

    private int judge(IoRequest request) {
        long offset = request.nodeOffsetBytes();
        return switch (request.operation()) {
            case READ, WRITE, WRITE_ZEROES, DISCARD, SECURE_ERASE, FLUSH, LIFETIME -> {
                int errno = admission.judge(request);
                yield errno != 0 ? errno : judgeAdmitted(request, offset);
            }
            case ZONE_REPORT -> command(request, zones.report(offset, request.zones()));
            case ZONE_APPEND -> append(request, offset);
            case ZONE_OPEN -> change(request, ZoneCommand.OPEN, offset);
            case ZONE_CLOSE -> change(request, ZoneCommand.CLOSE, offset);
            case ZONE_FINISH -> change(request, ZoneCommand.FINISH, offset);
            case ZONE_RESET -> change(request, ZoneCommand.RESET, offset);
            case ZONE_RESET_ALL -> readOnly ? Errno.EROFS : command(request, zones.resetAll());
        };
    }

    private int judgeAdmitted(IoRequest request, long offset) {
        return switch (request.operation()) {
            case READ -> zones.read(offset, request.lengthBytes());
            case WRITE, WRITE_ZEROES -> zones.write(offset, request.lengthBytes());
            case SECURE_ERASE -> zones.erase(offset, request.lengthBytes());
            default -> 0;
        };
    }

    private int append(IoRequest request, long zoneStart) {
        if (readOnly) return Errno.EROFS;
        long at = zones.append(zoneStart, request.lengthBytes());
        if (at < 0) return (int) -at;
        request.answer(at);
        request.passAs(Operation.WRITE, at);
        return 0;
    }

    private int change(IoRequest request, ZoneCommand command, long zoneStart) {
        return readOnly ? Errno.EROFS : command(request, zones.command(command, zoneStart));
    }

    private static int command(IoRequest request, int errno) {
        if (errno == 0) request.passAs(Operation.FLUSH, 0);
        return errno;
    }

    @Override
    public void close() {
        below.close();
    }
}
