// SPDX-License-Identifier: Apache-2.0
// The RP2040's UART (Arm PL011, RP2040 Datasheet 4.2) with FIFOs that fill and drain at the line's
// speed and interrupts at their levels, in place of the emulator's, which sends in no time and so
// interrupts for ever. Knows no DMA, parity or break.

const DR = 0x00, FR = 0x18, IBRD = 0x24, FBRD = 0x28, LCR_H = 0x2c, CR = 0x30, IFLS = 0x34;
const IMSC = 0x38, RIS = 0x3c, MIS = 0x40, ICR = 0x44;
const FR_TXFE = 1 << 7, FR_RXFF = 1 << 6, FR_TXFF = 1 << 5, FR_RXFE = 1 << 4, FR_BUSY = 1 << 3;
const OVERRUN = 1 << 10, TIMEOUT = 1 << 6, TX = 1 << 5, RX = 1 << 4;
const DEPTH = 32;
const LEVELS = [4, 8, 16, 24, 28]; // eighths of the depth, by IFLS
const BITS = 10, TIMEOUT_BITS = 32;

export class Pl011 {
    // `sent(byte, ns)` is told of each byte that begins to be sent and how long that takes.
    constructor(emulated, clock, irq, sent, lost) {
        this.raw = this.mask = this.control = this.line = this.whole = this.part = 0;
        this.levels = 0b010010;
        this.rx = [];
        this.tx = [];
        this.busy = false;
        this.clock = clock;
        this.sent = sent;
        this.lost = lost;
        this.peripheralHz = () => emulated.rp2040.clkPeri;
        this.update = () => emulated.rp2040.setInterrupt(irq, !!(this.raw & this.mask));
        this.shifted = clock.createAlarm(() => { this.busy = false; this.shift(); });
        this.quiet = clock.createAlarm(() => { if (this.rx.length) this.raise(TIMEOUT); });
        emulated.readUint32 = (offset) => this.read(offset);
        emulated.writeUint32 = (offset, value) => this.write(offset, value, emulated.rawWriteValue);
    }

    get baudRate() {
        const divider = this.whole + this.part / 64;
        return divider ? this.peripheralHz() / (16 * divider) : 0;
    }

    get bitNs() { return 1e9 / this.baudRate; }

    raise(bits) { this.raw |= bits; this.update(); }

    clear(bits) { this.raw &= ~bits; this.update(); }

    // A byte whose stop bit has just come.
    receive(byte) {
        if (!(this.control & 1)) return;
        if (this.rx.length === DEPTH) {
            this.lost();
            this.raise(OVERRUN);
            return;
        }
        this.rx.push(byte);
        if (this.rx.length >= LEVELS[(this.levels >> 3) & 7]) this.raise(RX);
        this.quiet.schedule(TIMEOUT_BITS * this.bitNs);
    }

    shift() {
        if (this.busy || !this.tx.length) return;
        this.busy = true;
        const ns = BITS * this.bitNs;
        this.sent(this.tx.shift(), ns);
        if (this.tx.length === LEVELS[this.levels & 7]) this.raise(TX);
        this.shifted.schedule(ns);
    }

    read(offset) {
        switch (offset) {
            case DR: {
                const byte = this.rx.shift() ?? 0;
                if (this.rx.length < LEVELS[(this.levels >> 3) & 7]) this.clear(RX);
                if (!this.rx.length) this.clear(TIMEOUT);
                return byte;
            }
            case FR:
                return (this.tx.length ? 0 : FR_TXFE) | (this.rx.length === DEPTH ? FR_RXFF : 0)
                    | (this.tx.length === DEPTH ? FR_TXFF : 0) | (this.rx.length ? 0 : FR_RXFE)
                    | (this.busy || this.tx.length ? FR_BUSY : 0);
            case IBRD: return this.whole;
            case FBRD: return this.part;
            case LCR_H: return this.line;
            case CR: return this.control;
            case IFLS: return this.levels;
            case IMSC: return this.mask;
            case RIS: return this.raw;
            case MIS: return this.raw & this.mask;
            default: return 0;
        }
    }

    write(offset, value, bits) {
        switch (offset) {
            case DR:
                if (this.tx.length < DEPTH) this.tx.push(value & 0xff);
                if (this.tx.length > LEVELS[this.levels & 7]) this.clear(TX);
                this.shift();
                break;
            case IBRD: this.whole = value & 0xffff; break;
            case FBRD: this.part = value & 0x3f; break;
            case LCR_H: this.line = value; break;
            case CR: this.control = value; break;
            case IFLS: this.levels = value & 0x3f; break;
            case IMSC: this.mask = value & 0x7ff; this.update(); break;
            case ICR: this.clear(bits); break;
            default: break;
        }
    }
}
