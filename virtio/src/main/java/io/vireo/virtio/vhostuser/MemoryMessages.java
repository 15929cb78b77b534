package io.vireo.virtio.vhostuser;

import io.vireo.posix.Fd;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The messages that share the guest's memory. Each makes a new table, which the vrings go over to. Owns the table, and the
 * files that it was made of. Thread: the session's.
 */
final class MemoryMessages implements AutoCloseable {
    private final VhostUserBackend backend;
    private final VringMessages vrings;
    private MemoryTable table;
    /** What the table was made of, in the order in which it came. */
    private final List<SharedRegion> shared = new ArrayList<>();

    MemoryMessages(VhostUserBackend backend, VringMessages vrings, MemoryTable empty) {
        this.backend = backend;
        this.vrings = vrings;
        table = empty;
    }

    void setMemTable(byte[] payload, List<Fd> fds) {
        long count = payload.length < VhostUserLayout.TABLE_REGIONS ? -1 : Payload.u32(payload, VhostUserLayout.TABLE_COUNT);
        // count is compared before it is multiplied, and 8 regions are the most
        if (count < 0 || count > VhostUserLayout.TABLE_REGIONS_MAX
                || payload.length != VhostUserLayout.TABLE_REGIONS + count * VhostUserLayout.REGION_BYTES) {
            throw new VhostUserException(Fault.PAYLOAD_SIZE,
                    "memory table of %d regions in %d bytes".formatted(count, payload.length));
        }
        if (count != fds.size()) {
            throw new VhostUserException(Fault.DESCRIPTOR_COUNT,
                    "memory table of %d regions with %d descriptors".formatted(count, fds.size()));
        }
        List<RegionDescription> regions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            regions.add(RegionDescription.read(payload, VhostUserLayout.TABLE_REGIONS + i * VhostUserLayout.REGION_BYTES));
        }
        use(MemoryTable.of(regions, fds));
        forgetAll();
        for (RegionDescription region : regions) shared.add(new SharedRegion(region, fds.removeFirst()));
    }

    void addMemReg(byte[] payload, List<Fd> fds) {
        RegionDescription region = slot(payload);
        use(table.with(region, fds.getFirst()));
        shared.add(new SharedRegion(region, fds.removeFirst()));
    }

    void remMemReg(byte[] payload) {
        RegionDescription region = slot(payload);
        use(table.without(region));
        shared.removeIf(each -> {
            boolean removed = each.isMeantBy(region);
            if (removed) each.close();
            return removed;
        });
    }

    /** As {@link Session#said}: a table, and one by one what it has no room for. */
    void said(List<Said> said) {
        if (shared.isEmpty()) return;
        List<SharedRegion> first = shared.subList(0, Math.min(shared.size(), VhostUserLayout.TABLE_REGIONS_MAX));
        ByteBuffer payload = Said.payload(VhostUserLayout.TABLE_REGIONS + first.size() * VhostUserLayout.REGION_BYTES);
        payload.putLong(first.size());
        first.forEach(each -> each.region().write(payload));
        said.add(new Said(MessageType.SET_MEM_TABLE, payload.array(), first.stream().map(SharedRegion::file).toList()));
        for (SharedRegion each : shared.subList(first.size(), shared.size())) {
            ByteBuffer slot = Said.payload(VhostUserLayout.SLOT_BYTES).putLong(0);
            each.region().write(slot);
            said.add(new Said(MessageType.ADD_MEM_REG, slot.array(), List.of(each.file())));
        }
    }

    private void forgetAll() {
        shared.forEach(SharedRegion::close);
        shared.clear();
    }

    private static RegionDescription slot(byte[] payload) {
        return RegionDescription.read(payload, VhostUserLayout.SLOT_REGION);
    }

    private void use(MemoryTable next) {
        VirtqueueAreas[] areas;
        try {
            areas = vrings.translate(next);
        } catch (VhostUserException e) {
            next.close();
            throw e;
        }
        MemoryTable before = table;
        table = next;
        try {
            backend.useMemory(next.generation(), areas);
        } finally {
            before.close();
        }
        vrings.useMemory(next);
    }

    @Override
    public void close() {
        forgetAll();
        table.close();
    }
}
