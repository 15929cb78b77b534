package com.example.vmm;

/** Where things are in the machine: guest physical addresses, I/O ports and interrupts. Of a PC, what Linux asks for. */
final class Board {
    /** RAM goes up to here, and on at 4 GiB: between them are devices. */
    static final long RAM_LOW_END = 0xC000_0000L;

    static final long RAM_HIGH = 1L << 32;

    /** The register windows of the disks, one page each. */
    static final long DISKS = 0xD000_0000L;

    static final int DISK_BYTES = 0x1000;
    static final long IOAPIC = 0xFEC0_0000L;
    static final long LOCAL_APIC = 0xFEE0_0000L;

    /** Between the RAM that programs of real mode know and the first MiB: no RAM for Linux, but tables. */
    static final int RAM_BELOW_BIOS_END = 0xA_0000;

    static final int ACPI_TABLES = 0xE_0000;
    static final int BIOS_END = 0x10_0000;

    static final int PORT_SERIAL = 0x3F8;
    static final int PORT_PM1_EVENT = 0x600;
    static final int PORT_PM1_CONTROL = 0x604;
    static final int PORT_KEYBOARD_CONTROLLER = 0x64;

    static final int IRQ_SERIAL = 4;
    static final int IRQ_ACPI = 9;
    /** The IOAPIC's inputs that no device of a PC has ever used: a disk each. */
    static final int IRQ_DISKS = 16;

    static final int DISKS_MAX = 8;
    /** APIC ids are a byte, and the last one is for all of them. */
    static final int CPUS_MAX = 254;

    private Board() {}

    static long disk(int index) {
        return DISKS + (long) index * DISK_BYTES;
    }
}
