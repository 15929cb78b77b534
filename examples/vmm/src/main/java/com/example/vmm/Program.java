package com.example.vmm;

/** What the first processor is to run: put into memory, and the registers it begins with. */
interface Program {
    void load(Ram ram, AcpiTables acpi, Registers registers);
}
