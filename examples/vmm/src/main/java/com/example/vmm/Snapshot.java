package com.example.vmm;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A machine in a folder: its memory, and what everything else is at. It fits the images as they were then, a processor
 * like this host's, and the same options.
 */
final class Snapshot {
    private static final String MAGIC = "Vireo VM snapshot 1";

    private final Path folder;
    private final Map<String, byte[]> disks;
    private final byte[] machine;

    private Snapshot(Path folder, Map<String, byte[]> disks, byte[] machine) {
        this.folder = folder;
        this.disks = disks;
        this.machine = machine;
    }

    /** Of a machine that is paused, disks and all. */
    static void save(Path folder, Ram ram, List<MmioDisk> disks, PowerCycle cycle) throws IOException {
        Files.createDirectories(folder);
        ram.save(folder.resolve("memory"));
        try (DataOutputStream out = new DataOutputStream(
                new BufferedOutputStream(Files.newOutputStream(folder.resolve("state"))))) {
            out.writeUTF(MAGIC);
            out.writeInt(cycle.cpuCount());
            out.writeLong(ram.sizeBytes());
            out.writeInt(disks.size());
            for (MmioDisk disk : disks) {
                byte[] state = disk.save();
                out.writeUTF(disk.device().name());
                out.writeInt(state.length);
                out.write(state);
            }
            cycle.save(out);
        }
    }

    /** @throws KvmException it is of another machine */
    static Snapshot open(Path folder, int cpus, long memoryBytes) throws IOException {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(folder.resolve("state"))))) {
            if (!in.readUTF().equals(MAGIC)) throw new KvmException(folder + " is no snapshot of a machine");
            int cpusThen = in.readInt();
            long memoryThen = in.readLong();
            if (cpusThen != cpus || memoryThen != memoryBytes) {
                throw new KvmException("%s is of a machine with --cpus %d --memory %dM".formatted(
                        folder, cpusThen, memoryThen >> 20));
            }
            Map<String, byte[]> disks = new LinkedHashMap<>();
            for (int left = in.readInt(); left > 0; left--) disks.put(in.readUTF(), CpuState.read(in, in.readInt()));
            return new Snapshot(folder, disks, in.readAllBytes());
        }
    }

    void loadMemory(Ram ram) {
        ram.load(folder.resolve("memory"));
    }

    /** @throws KvmException the disk was not there */
    byte[] disk(String name) {
        byte[] state = disks.get(name);
        if (state == null) throw new KvmException("there was no disk " + name + " in " + folder + ", but " + disks.keySet());
        return state;
    }

    byte[] machine() {
        return machine;
    }
}
