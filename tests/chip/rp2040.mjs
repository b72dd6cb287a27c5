// SPDX-License-Identifier: Apache-2.0
// An RP2040 (rp2040js) that another program drives in steps of the chip's own time.
//
// One JSON value a line comes in, one goes out. The chip runs until a given microsecond, or until
// something left it that others have to know; so whoever drives it keeps all clocks in step. The
// emulator knows no flash that is written: the boot ROM's functions for it are cut short, done here,
// and take the time that a real flash takes. node rp2040.mjs PACKAGES BOOTROM FLASH
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { Pl011 } from './pl011.mjs';

const [packages, romPath, flashPath] = process.argv.slice(2);
const { ConsoleLogger, GPIOPinState, LogLevel, Simulator, USBCDC } = createRequire(packages)('rp2040js');

const FLASH_AT = 0x10000000, FLASH_BYTES = 2 << 20, RAM_AT = 0x20000000;
const PAGE = 256, SECTOR = 4096;
const PAGE_NS = 800e3, ERASE_NS = 45e6; // W25Q16JV, tPP and tSE
const CYCLE_NS = 8; // 125 MHz, which this MicroPython leaves as it is
const CYCLES_AT_ONCE = 16; // between two looks at the clock
const I2C_BYTE_NS = 22500; // nine bits at 400 kHz
const USB_BYTES = 64;
const UART0_IRQ = 20;
const TOLD_NS = 1e6; // how long after something was told the chip may go on
const ROSC = 0x40060, ROSC_RANDOMBIT = 0x1c; // RP2040 Datasheet 2.17.8
const BKPT = 0xbe00, BX_LR = 0x4770;
// Boot ROM functions for flash (RP2040 Datasheet 2.8.3.1.3) by their code, and what takes their place.
const ROM_FUNCTIONS_AT = 0x14;
const ROM_FLASH = { IF: 0, EX: 0, FC: 0, CX: 0, RE: 1, RP: 2 };

const rom = fs.readFileSync(romPath);
const flash = fs.readFileSync(flashPath);
let sim, clock, mcu, core, cdc, uart;
let told = [], limitNs = 0, sinceNs = 0, stalledNs = 0, rebooting = '', consoleIn = [], usbWaits = -1;
let random = 1;
let unscan = []; // what ends the listening to a keypad's rows

const nowNs = () => sinceNs + clock.nanos;

// Something that is known outside; the chip may go on for so long, since nothing comes back sooner.
function tell(event, graceNs = TOLD_NS) {
    told.push(event);
    limitNs = Math.min(limitNs, nowNs() + graceNs);
}

function cutShort() {
    for (let at = rom.readUInt16LE(ROM_FUNCTIONS_AT); rom.readUInt16LE(at); at += 4) {
        const code = rom.toString('latin1', at, at + 2);
        if (code in ROM_FLASH) {
            const entry = rom.readUInt16LE(at + 2) & ~1;
            rom.writeUInt16LE(ROM_FLASH[code] ? BKPT + ROM_FLASH[code] : BX_LR, entry);
            rom.writeUInt16LE(BX_LR, entry + 2);
        }
    }
}

// The registers hold the arguments of flash_range_erase and flash_range_program.
function flashCalled(code) {
    const [at, from, count] = core.registers;
    if (code === ROM_FLASH.RE) {
        mcu.flash.fill(0xff, at, at + from);
        stalledNs = clock.nanos + (from / SECTOR) * ERASE_NS;
        tell(['flash', 'erase', at, from]);
    } else if (code === ROM_FLASH.RP) {
        const source = from - RAM_AT;
        for (let i = 0; i < count; i++) mcu.flash[at + i] &= mcu.sram[source + i];
        stalledNs = clock.nanos + (count / PAGE) * PAGE_NS;
        tell(['flash', 'program', at, count]);
    } else {
        tell(['break', code]);
    }
}

function build(content) {
    sim = new Simulator();
    ({ clock, rp2040: mcu } = sim);
    core = mcu.core;
    mcu.logger = new ConsoleLogger(LogLevel.Error, false);
    mcu.loadBootrom(new Uint32Array(rom.buffer.slice(rom.byteOffset, rom.byteOffset + rom.length)));
    mcu.flash.set(content);
    mcu.onBreak = flashCalled;
    mcu.peripherals[ROSC].readUint32 = (offset) => (offset === ROSC_RANDOMBIT ? randomBit() : 0);
    mcu.peripherals[ROSC].writeUint32 = () => {};
    mcu.peripherals[0x40058].onWatchdogTrigger = () => { rebooting = 'watchdog'; };
    stalledNs = 0;
    wireUart();
    wireI2c();
    wireUsb();
    core.PC = FLASH_AT; // where the boot ROM goes on, once it has loaded the second stage
}

function randomBit() {
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    return random & 1;
}

function wireUart() {
    const sent = (byte, ns) => {
        const last = told.at(-1);
        if (last && last[0] === 'uart') last[1].push(byte);
        else tell(['uart', [byte], Math.round(uart.baudRate)], ns);
    };
    uart = new Pl011(mcu.uart[0], clock, UART0_IRQ, sent, () => tell(['overrun']));
}

// Bytes that are on the wire: the first ends at `atUs`, each of the others `byteUs` later.
function receive(bytes, atUs, byteUs) {
    const alarm = clock.createAlarm(() => {
        uart.receive(bytes.shift());
        if (bytes.length) alarm.schedule(byteUs * 1e3);
    });
    alarm.schedule(Math.max(0, atUs * 1e3 - nowNs()));
}

function wireI2c() {
    const bus = mcu.i2c[0];
    let address = 0, bytes = [];
    const later = (work) => clock.createAlarm(work).schedule(I2C_BYTE_NS);
    bus.onStart = () => bus.completeStart();
    bus.onConnect = (to) => { address = to; bytes = []; later(() => bus.completeConnect(acknowledged.has(to))); };
    bus.onWriteByte = (byte) => { bytes.push(byte); later(() => bus.completeWrite(true)); };
    bus.onReadByte = () => later(() => bus.completeRead(0));
    bus.onStop = () => {
        if (bytes.length) tell(['i2c', address, Buffer.from(bytes).toString('hex')]);
        bus.completeStop();
    };
}
const acknowledged = new Set();

function wireUsb() {
    usbWaits = -1;
    cdc = new USBCDC(mcu.usbCtrl);
    cdc.onDeviceConnected = () => tell(['connected']);
    cdc.onSerialData = (bytes) => tell(['console', Buffer.from(bytes).toString('hex')]);
    // As it comes, an endpoint without data is answered at once by nothing, a hundred times a millisecond.
    mcu.usbCtrl.onEndpointRead = (endpoint) => {
        if (endpoint === cdc.outEndpoint) { usbWaits = endpoint; consoleOut(); }
    };
}

function consoleOut() {
    if (usbWaits < 0 || !consoleIn.length) return;
    const endpoint = usbWaits;
    usbWaits = -1;
    mcu.usbCtrl.endpointReadDone(endpoint, new Uint8Array(consoleIn.splice(0, USB_BYTES)));
}

function run(untilUs) {
    limitNs = untilUs * 1e3;
    while (nowNs() < limitNs) {
        const alarmNs = clock.nextAlarm ? clock.nextAlarm.nanos : Infinity;
        if (core.waiting || stalledNs > clock.nanos) {
            const wakes = stalledNs > clock.nanos ? Math.min(stalledNs, alarmNs) : alarmNs;
            clock.tick(Math.max(0, Math.min(wakes, limitNs - sinceNs) - clock.nanos));
        } else {
            let cycles = 0;
            const most = Math.min(CYCLES_AT_ONCE, (alarmNs - clock.nanos) / CYCLE_NS);
            do cycles += core.executeInstruction();
            while (cycles < most && !core.waiting && stalledNs <= clock.nanos);
            clock.tick(cycles * CYCLE_NS);
        }
        if (rebooting) reboot();
    }
}

function reboot() {
    const content = mcu.flash.slice(0, FLASH_BYTES);
    const reason = rebooting;
    const at = nowNs();
    rebooting = '';
    build(content);
    sinceNs = at;
    tell(['reboot', reason]);
}

function line() {
    const piece = Buffer.alloc(65536);
    while (!lines.length) {
        const count = fs.readSync(0, piece);
        if (!count) process.exit(0);
        pending += piece.toString('latin1', 0, count);
        lines = pending.split('\n');
        pending = lines.pop();
    }
    return JSON.parse(lines.shift());
}
let lines = [], pending = '';

const orders = {
    power: () => { sinceNs = nowNs(); consoleIn = []; build(mcu.flash.slice(0, FLASH_BYTES)); },
    at: (us) => { sinceNs = us * 1e3 - clock.nanos; },
    seed: (value) => { random = value | 1; },
    answers: (address) => { acknowledged.add(address); },
    silent: (address) => { acknowledged.delete(address); },
    pin: (gpio, level) => { mcu.gpio[gpio].setInputValue(!!level); },
    keys: (columns, closed) => {
        const scan = () => {
            for (const column of columns) {
                const low = closed.some(([row, at]) => at === column && mcu.gpio[row].value === GPIOPinState.Low);
                mcu.gpio[column].setInputValue(!low);
            }
        };
        for (const stop of unscan) stop();
        unscan = [...new Set(closed.map(([row]) => row))].map((row) => mcu.gpio[row].addListener(scan));
        scan();
    },
    adc: (channel, value) => { mcu.adc.channelValues[channel] = value; },
    baudrate: () => Math.round(uart.baudRate),
    uart: (hex, atUs, byteUs) => { receive([...Buffer.from(hex, 'hex')], atUs, byteUs); },
    console: (hex) => { consoleIn.push(...Buffer.from(hex, 'hex')); consoleOut(); },
    write: (at, hex) => { mcu.flash.set(Buffer.from(hex, 'hex'), at); },
    read: (at, count) => Buffer.from(mcu.flash.subarray(at, at + count)).toString('hex'),
    poke: (at, hex) => { mcu.sram.set(Buffer.from(hex, 'hex'), at - RAM_AT); },
    peek: (at, count) => Buffer.from(mcu.sram.subarray(at - RAM_AT, at - RAM_AT + count)).toString('hex'),
    run: (untilUs) => {
        run(untilUs);
        const answer = [Math.floor(nowNs() / 1e3), told];
        told = [];
        return answer;
    },
};

cutShort();
build(flash);
for (;;) {
    const answers = line().map(([order, ...values]) => orders[order](...values) ?? null);
    fs.writeSync(1, JSON.stringify(answers.at(-1) ?? null) + '\n');
}
