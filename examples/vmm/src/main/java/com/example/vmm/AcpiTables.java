package com.example.vmm;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * What the machine tells its operating system of itself (ACPI 6.5, chapter 5): processors and interrupts, how it is
 * switched off and reset, and the disks, of which Linux learns in no other way.
 */
final class AcpiTables {
    private static final int HEADER_BYTES = 36;
    private static final int CHECKSUM = 9;
    private static final int RSDP_BYTES = 36;
    private static final int RSDP_V1_BYTES = 20;
    private static final int RSDP_CHECKSUM = 8;
    private static final int RSDP_EXTENDED_CHECKSUM = 32;
    private static final int FACS_BYTES = 64;
    private static final int FADT_BYTES = 276;

    private static final int NO_VGA_AND_NO_CLOCK = 1 << 2 | 1 << 5;
    private static final int WBINVD = 1;
    private static final int NO_FIXED_BUTTONS = 1 << 4 | 1 << 5;
    private static final int RESET_REGISTER = 1 << 10;
    /** Longer than what the specification allows a C2 or C3 state: there are none. */
    private static final int NO_C2 = 101;

    private static final int NO_C3 = 1001;
    private static final int SPACE_IO = 1;

    private final Bytes tables = new Bytes();
    private final long rsdp;

    AcpiTables(int cpus, int... diskSlots) {
        long facs = put(new Bytes().text("FACS").u32(FACS_BYTES).zeroesUpTo(FACS_BYTES).toArray());
        long dsdt = put(table("DSDT", 2, dsdt(diskSlots)));
        long fadt = put(table("FACP", 6, fadt(facs, dsdt)));
        long madt = put(table("APIC", 5, madt(cpus)));
        long xsdt = put(table("XSDT", 1, new Bytes().u64(fadt).u64(madt).toArray()));
        rsdp = put(rsdp(xsdt));
    }

    /** The guest physical address from which everything else is found. */
    long rsdp() {
        return rsdp;
    }

    void writeTo(MemorySegment memory) {
        memory.asSlice(Board.ACPI_TABLES, Board.BIOS_END - Board.ACPI_TABLES).copyFrom(MemorySegment.ofArray(tables.toArray()));
    }

    private static byte[] dsdt(int[] diskSlots) {
        List<byte[]> devices = new ArrayList<>();
        for (int i : diskSlots) {
            devices.add(Aml.device("VIO" + i,
                    Aml.name("_HID", Aml.string("LNRO0005")),
                    Aml.name("_UID", Aml.integer(i)),
                    Aml.name("_CRS", Aml.memoryAndInterrupt(Board.disk(i), Board.DISK_BYTES, Board.IRQ_DISKS + i))));
        }
        byte[] s5 = Aml.packageOf(Aml.integer(Power.SLEEP_TYPE_OFF), Aml.integer(0), Aml.integer(0), Aml.integer(0));
        return new Bytes().bytes(Aml.scope("\\_SB_", devices.toArray(byte[][]::new))).bytes(Aml.name("_S5_", s5)).toArray();
    }

    private static byte[] fadt(long facs, long dsdt) {
        Bytes fadt = new Bytes()
                .u32(facs).u32(dsdt).u8(0, 0).u16(Board.IRQ_ACPI)
                .u32(0).u8(0, 0, 0, 0)                                    // no SMI command: ACPI is always on
                .u32(Board.PORT_PM1_EVENT).u32(0).u32(Board.PORT_PM1_CONTROL).u32(0)
                .u32(0).u32(0).u32(0).u32(0)                              // neither PM2 nor timer nor general events
                .u8(4, 2, 0, 0, 0, 0, 0, 0).u16(NO_C2).u16(NO_C3)
                .u32(0).u8(0, 0, 0, 0, 0)                                 // cache flush, duty cycle, alarm, century
                .u16(NO_VGA_AND_NO_CLOCK).u8(0)
                .u32(WBINVD | NO_FIXED_BUTTONS | RESET_REGISTER)
                .u8(SPACE_IO, 8, 0, 1).u64(Board.PORT_KEYBOARD_CONTROLLER).u8(Power.KEYBOARD_CONTROLLER_RESET)
                .u16(0).u8(5)
                .u64(0).u64(dsdt);
        return fadt.zeroesUpTo(FADT_BYTES - HEADER_BYTES).toArray();
    }

    private static byte[] madt(int cpus) {
        Bytes madt = new Bytes().u32(Board.LOCAL_APIC).u32(1);            // there are 8259s as well
        for (int i = 0; i < cpus; i++) madt.u8(0, 8, i, i).u32(1);
        madt.u8(1, 12, cpus, 0).u32(Board.IOAPIC).u32(0);
        madt.u8(2, 10, 0, 0).u32(2).u16(0);                               // the timer is at input 2
        madt.u8(2, 10, 0, Board.IRQ_ACPI).u32(Board.IRQ_ACPI).u16(0b1101);  // active high, level
        return madt.u8(4, 6, 0xFF).u16(0).u8(1).toArray();                // NMI at everybody's LINT1
    }

    private static byte[] rsdp(long xsdt) {
        byte[] rsdp = new Bytes().text("RSD PTR ").u8(0).text("VIREO ").u8(2).u32(0).u32(RSDP_BYTES).u64(xsdt).u32(0).toArray();
        rsdp[RSDP_CHECKSUM] = complement(rsdp, RSDP_V1_BYTES);
        rsdp[RSDP_EXTENDED_CHECKSUM] = complement(rsdp, RSDP_BYTES);
        return rsdp;
    }

    private static byte[] table(String signature, int revision, byte[] content) {
        byte[] table = new Bytes().text(signature).u32(HEADER_BYTES + content.length).u8(revision, 0)
                .text("VIREO ").text("VIREOVM ").u32(1).text("VREO").u32(1).bytes(content).toArray();
        table[CHECKSUM] = complement(table, table.length);
        return table;
    }

    /** What makes the sum of the bytes zero. */
    private static byte complement(byte[] bytes, int length) {
        int sum = 0;
        for (int i = 0; i < length; i++) sum += bytes[i];
        return (byte) -sum;
    }

    /** Answers where it is; the FACS wants to begin at 64 bytes, the others are content with less. */
    private long put(byte[] table) {
        tables.zeroesUpTo((tables.size() + 63) & -64);
        long gpa = Board.ACPI_TABLES + tables.size();
        tables.bytes(table);
        return gpa;
    }
}
