package com.example.vmm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A kernel, started by the 64-bit boot protocol (Documentation/arch/x86/boot.rst in Linux). */
final class Linux implements Program {
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED;

    /** Where we put what the kernel needs at once; it moves away from there. */
    private static final int GDT = 0x1000;

    private static final int PAGE_TABLES = 0x2000;
    private static final int BOOT_PARAMS = 0x8000;
    private static final int COMMAND_LINE = 0x9000;
    private static final int KERNEL = 0x10_0000;
    private static final int ENTRY_64 = 0x200;

    /** struct boot_params, and the setup header in it, at the offsets it has in the kernel's file. */
    private static final int BOOT_PARAMS_BYTES = 4096;

    private static final int ACPI_RSDP_ADDR = 0x070;
    private static final int E820_ENTRIES = 0x1E8;
    private static final int SETUP_SECTS = 0x1F1;
    private static final int HEADER_JUMP = 0x201;
    private static final int HEADER_MAGIC = 0x202;
    private static final int VERSION = 0x206;
    private static final int TYPE_OF_LOADER = 0x210;
    private static final int RAMDISK_IMAGE = 0x218;
    private static final int RAMDISK_SIZE = 0x21C;
    private static final int CMD_LINE_PTR = 0x228;
    private static final int INITRD_ADDR_MAX = 0x22C;
    private static final int XLOADFLAGS = 0x236;
    private static final int CMDLINE_SIZE = 0x238;
    private static final int INIT_SIZE = 0x260;
    private static final int PREF_ADDRESS = 0x258;
    private static final int E820_TABLE = 0x2D0;

    private static final int HDRS = 0x53726448;
    private static final int VERSION_NEEDED = 0x20E;
    private static final int XLF_KERNEL_64 = 1;
    private static final int LOADER_UNDEFINED = 0xFF;
    private static final int E820_RAM = 1;
    private static final int E820_RESERVED = 2;

    private static final int BOOT_CS = 0x10;
    private static final int BOOT_DS = 0x18;
    private static final int PAGE_BYTES = 4096;
    private static final int TABLE_ENTRIES = 512;
    private static final int PRESENT_WRITABLE = 3;
    private static final int PAGE_2M = 1 << 7;
    private static final int GIB_MAPPED = 4;

    private final MemorySegment image;
    private final byte[] initrd;
    private final byte[] commandLine;

    private Linux(MemorySegment image, byte[] initrd, byte[] commandLine) {
        this.image = image;
        this.initrd = initrd;
        this.commandLine = commandLine;
    }

    /**
     * @param initrd null when there is none
     * @throws KvmException it is no such kernel
     */
    static Linux of(Path kernel, Path initrd, String commandLine) throws IOException {
        MemorySegment image = MemorySegment.ofArray(Files.readAllBytes(kernel));
        if (image.byteSize() < BOOT_PARAMS_BYTES || image.get(U32, HEADER_MAGIC) != HDRS) {
            throw new KvmException(kernel + " is no Linux kernel (bzImage)");
        }
        int version = Short.toUnsignedInt(image.get(U16, VERSION));
        if (version < VERSION_NEEDED || (image.get(U16, XLOADFLAGS) & XLF_KERNEL_64) == 0) {
            throw new KvmException("%s has boot protocol %d.%d%s; needed is 2.14 (Linux 5.5), for 64 bits".formatted(
                    kernel, version >> 8, version & 0xFF, version < VERSION_NEEDED ? "" : " for 32 bits"));
        }
        byte[] line = commandLine.getBytes(StandardCharsets.UTF_8);
        if (line.length > image.get(U32, CMDLINE_SIZE)) {
            throw new KvmException("the kernel's command line has %d bytes, and may have %d".formatted(
                    line.length, image.get(U32, CMDLINE_SIZE)));
        }
        return new Linux(image, initrd == null ? new byte[0] : Files.readAllBytes(initrd), line);
    }

    @Override
    public void load(Ram ram, AcpiTables acpi, Registers registers) {
        MemorySegment memory = ram.low();
        int setupSectors = Byte.toUnsignedInt(image.get(JAVA_BYTE, SETUP_SECTS));
        long kernelStart = (setupSectors == 0 ? 5 : setupSectors + 1) * 512L;
        MemorySegment kernel = image.asSlice(kernelStart);

        // It unpacks itself to where it prefers to be, and needs that much room there.
        long kernelEnd = Math.max(image.get(U64, PREF_ADDRESS), KERNEL) + Integer.toUnsignedLong(image.get(U32, INIT_SIZE));
        long initrdEnd = Math.min(memory.byteSize(), Integer.toUnsignedLong(image.get(U32, INITRD_ADDR_MAX)) + 1);
        long initrdAt = (initrdEnd - initrd.length) & -PAGE_BYTES;
        if (Math.max(kernelEnd, KERNEL + kernel.byteSize()) > initrdAt) {
            throw new KvmException("%d MiB of memory are too few: the kernel needs %d, the initrd %d".formatted(
                    ram.sizeBytes() >> 20, kernelEnd >> 20, initrd.length >> 20));
        }
        memory.asSlice(KERNEL).copyFrom(kernel);
        memory.asSlice(initrdAt).copyFrom(MemorySegment.ofArray(initrd));
        memory.asSlice(COMMAND_LINE).copyFrom(MemorySegment.ofArray(commandLine));
        memory.set(JAVA_BYTE, COMMAND_LINE + commandLine.length, (byte) 0);

        MemorySegment params = memory.asSlice(BOOT_PARAMS, BOOT_PARAMS_BYTES).fill((byte) 0);
        int headerEnd = HEADER_MAGIC + Byte.toUnsignedInt(image.get(JAVA_BYTE, HEADER_JUMP));
        MemorySegment.copy(image, SETUP_SECTS, params, SETUP_SECTS, headerEnd - SETUP_SECTS);
        params.set(JAVA_BYTE, TYPE_OF_LOADER, (byte) LOADER_UNDEFINED);
        params.set(U32, RAMDISK_IMAGE, (int) initrdAt);
        params.set(U32, RAMDISK_SIZE, initrd.length);
        params.set(U32, CMD_LINE_PTR, COMMAND_LINE);
        params.set(U64, ACPI_RSDP_ADDR, acpi.rsdp());
        writeE820(params, ram);

        memory.set(U64, GDT + BOOT_CS, 0x00AF_9B00_0000_FFFFL);
        memory.set(U64, GDT + BOOT_DS, 0x00CF_9300_0000_FFFFL);
        writePageTables(memory);
        registers.longMode(BOOT_CS, BOOT_DS, PAGE_TABLES);
        registers.rsi(BOOT_PARAMS);
        registers.rip(KERNEL + ENTRY_64);
    }

    private static void writeE820(MemorySegment params, Ram ram) {
        long lowEnd = ram.low().byteSize();
        int count = writeE820(params, 0, 0, Board.RAM_BELOW_BIOS_END, E820_RAM);
        count = writeE820(params, count, Board.ACPI_TABLES, Board.BIOS_END - Board.ACPI_TABLES, E820_RESERVED);
        count = writeE820(params, count, Board.BIOS_END, lowEnd - Board.BIOS_END, E820_RAM);
        for (Ram.Part part : ram.parts()) {
            if (part.gpa() != 0) count = writeE820(params, count, part.gpa(), part.sizeBytes(), E820_RAM);
        }
        params.set(JAVA_BYTE, E820_ENTRIES, (byte) count);
    }

    private static int writeE820(MemorySegment params, int index, long gpa, long sizeBytes, int type) {
        MemorySegment entry = params.asSlice(E820_TABLE + index * 20L, 20);
        entry.set(U64, 0, gpa);
        entry.set(U64, 8, sizeBytes);
        entry.set(U32, 16, type);
        return index + 1;
    }

    /** The first GiBs as they are, in pages of 2 MiB: a PML4, a table of GiBs, and one of pages for each of those. */
    private static void writePageTables(MemorySegment memory) {
        int gibs = PAGE_TABLES + PAGE_BYTES;
        memory.set(U64, PAGE_TABLES, gibs | PRESENT_WRITABLE);
        for (int gib = 0; gib < GIB_MAPPED; gib++) {
            int pages = gibs + PAGE_BYTES * (1 + gib);
            memory.set(U64, gibs + 8L * gib, pages | PRESENT_WRITABLE);
            for (int i = 0; i < TABLE_ENTRIES; i++) {
                long gpa = ((long) gib << 30) + ((long) i << 21);
                memory.set(U64, pages + 8L * i, gpa | PAGE_2M | PRESENT_WRITABLE);
            }
        }
    }
}
