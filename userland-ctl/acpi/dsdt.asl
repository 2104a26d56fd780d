/* SPDX-License-Identifier: GPL-2.0-only */
/* The devices of the VM that ACPI cannot find by itself. iasl compiles this. */
DefinitionBlock ("dsdt.aml", "DSDT", 2, "KITE  ", "KITEDSDT", 0x00000001)
{
    // SLP_TYP for the sleep control register: ACPI_S5_TYPE in dev/dev.h
    Name (_S5, Package () { 0x05, 0x00, 0x00, 0x00 })

    Scope (_SB)
    {
        Device (COM1)
        {
            Name (_HID, EisaId ("PNP0501"))  // 16550A serial port
            Name (_UID, One)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x03F8, 0x03F8, 0x01, 0x08)
                Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 4 }
            })
        }

        Device (RTC0)
        {
            Name (_HID, EisaId ("PNP0B00"))  // real-time clock
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x0070, 0x0070, 0x01, 0x02)
                IRQNoFlags () { 8 }
            })
        }
    }
}
