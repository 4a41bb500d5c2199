internal import Primitives

extension MachineBody {
    init(parsing message: ParsedMessage) throws(RecordError) {
        guard let machine = MachineID(try message.bytes(1, "machine.machine_id", max: 16)) else {
            throw .missing("machine.machine_id")
        }
        guard let marketClass: MarketClass = try message.value(2, "machine.class") else {
            throw .missing("machine.class")
        }
        var devices: [Device] = []
        for bytes in try message.repeated(3, "machine.devices", countMax: Bounds.deviceCountMax, max: 4096) {
            devices.append(try Device(parsing: ParsedMessage(bytes)))
        }
        self.init(machine: machine, marketClass: marketClass, devices: devices)
        host = try Host(parsing: message.message(4, "machine.host"))
        network = try Network(parsing: message.message(5, "machine.network"))
        place = try Place(parsing: message.message(6, "machine.place"))
        power = try Power(parsing: message.message(7, "machine.power"))
        runtimes = try message.texts(
            8,
            "machine.runtimes",
            countMax: Bounds.runtimeCountMax,
            max: Bounds.runtimeByteCountMax
        )
    }

    func write(to writer: inout ProtobufWriter) {
        writer.bytes(1, machine.bytes)
        writer.varint(2, UInt64(marketClass.rawValue))
        for device in devices { writer.message(3) { device.write(to: &$0) } }
        writer.messageUnlessEmpty(4) { host.write(to: &$0) }
        writer.messageUnlessEmpty(5) { network.write(to: &$0) }
        writer.messageUnlessEmpty(6) { place.write(to: &$0) }
        writer.messageUnlessEmpty(7) { power.write(to: &$0) }
        for runtime in runtimes { writer.text(8, runtime) }
    }

    /// Checks every bound, for what we sign as for what we read.
    func check() throws(RecordError) {
        guard (1...Bounds.deviceCountMax).contains(devices.count) else { throw .outOfBounds("machine.devices") }
        for device in devices { try device.check() }
        guard isStrictlyAscending(devices.map(\.slot), by: <) else { throw .unsorted("machine.devices") }
        try host.check()
        try network.check()
        try RecordText.checkCode(place.country, "place.country")
        try RecordText.checkCode(place.continent, "place.continent")
        try RecordText.check(place.city, "place.city", max: Bounds.cityByteCountMax)
        try checkBound(power.wattsPerDevice, "power.watts", max: Bounds.wattsMax)
        try checkBound(power.gramsPerKilowattHour, "power.gco2_per_kwh", max: Bounds.gramsPerKilowattHourMax)
        try RecordText.check(power.source, "power.source", max: Bounds.energySourceByteCountMax)
        try RecordText.check(
            runtimes,
            "machine.runtimes",
            count: 0...Bounds.runtimeCountMax,
            max: Bounds.runtimeByteCountMax
        )
    }
}

extension MachineBody.Device {
    private typealias Bounds = MachineBody.Bounds

    fileprivate init(parsing message: ParsedMessage) throws(RecordError) {
        self.init(
            slot: try message.int(1, "device.slot", in: 0...Bounds.slotMax),
            commitment: try message.bytes(2, "device.commitment", max: Bounds.commitmentByteCount),
            catalogueID: try message.text(3, "device.catalogue_id", max: Bounds.catalogueIDByteCountMax),
            rawName: try message.text(4, "device.raw_name", max: Bounds.rawNameByteCountMax),
            memoryMebibytes: try message.int(5, "device.memory_mib", in: 0...Bounds.deviceMemoryMebibytesMax),
            driver: try message.text(6, "device.driver", max: Bounds.driverByteCountMax),
            computeCapability: try message.text(
                7,
                "device.compute_capability",
                max: Bounds.computeCapabilityByteCountMax
            )
        )
    }

    fileprivate func write(to writer: inout ProtobufWriter) {
        writer.varint(1, UInt64(slot))
        writer.bytes(2, commitment)
        writer.text(3, catalogueID)
        writer.text(4, rawName)
        writer.varint(5, UInt64(memoryMebibytes))
        writer.text(6, driver)
        writer.text(7, computeCapability)
    }

    fileprivate func check() throws(RecordError) {
        try checkBound(slot, "device.slot", max: Bounds.slotMax)
        guard commitment.count == Bounds.commitmentByteCount else { throw .outOfBounds("device.commitment") }
        try RecordText.check(catalogueID, "device.catalogue_id", max: Bounds.catalogueIDByteCountMax)
        try RecordText.check(rawName, "device.raw_name", max: Bounds.rawNameByteCountMax)
        try checkBound(memoryMebibytes, "device.memory_mib", max: Bounds.deviceMemoryMebibytesMax)
        try RecordText.check(driver, "device.driver", max: Bounds.driverByteCountMax)
        try RecordText.check(computeCapability, "device.compute_capability", max: Bounds.computeCapabilityByteCountMax)
    }
}

extension MachineBody.Host {
    private typealias Bounds = MachineBody.Bounds

    fileprivate init(parsing message: ParsedMessage) throws(RecordError) {
        cpuModel = try message.text(1, "host.cpu_model", max: Bounds.cpuModelByteCountMax)
        coreCount = try message.int(2, "host.cores", in: 0...Bounds.coreCountMax)
        memoryMebibytes = try message.int(3, "host.memory_mib", in: 0...Bounds.hostMemoryMebibytesMax)
        diskGibibytes = try message.int(4, "host.disk_gib", in: 0...Bounds.diskGibibytesMax)
        diskMegabytesPerSecond = try message.int(5, "host.disk_mb_per_s", in: 0...Bounds.diskMegabytesPerSecondMax)
        operatingSystem = try message.text(6, "host.os", max: Bounds.systemByteCountMax)
        architecture = try message.text(7, "host.arch", max: Bounds.systemByteCountMax)
    }

    fileprivate func write(to writer: inout ProtobufWriter) {
        writer.text(1, cpuModel)
        writer.varint(2, UInt64(coreCount))
        writer.varint(3, UInt64(memoryMebibytes))
        writer.varint(4, UInt64(diskGibibytes))
        writer.varint(5, UInt64(diskMegabytesPerSecond))
        writer.text(6, operatingSystem)
        writer.text(7, architecture)
    }

    fileprivate func check() throws(RecordError) {
        try RecordText.check(cpuModel, "host.cpu_model", max: Bounds.cpuModelByteCountMax)
        try checkBound(coreCount, "host.cores", max: Bounds.coreCountMax)
        try checkBound(memoryMebibytes, "host.memory_mib", max: Bounds.hostMemoryMebibytesMax)
        try checkBound(diskGibibytes, "host.disk_gib", max: Bounds.diskGibibytesMax)
        try checkBound(diskMegabytesPerSecond, "host.disk_mb_per_s", max: Bounds.diskMegabytesPerSecondMax)
        try RecordText.check(operatingSystem, "host.os", max: Bounds.systemByteCountMax)
        try RecordText.check(architecture, "host.arch", max: Bounds.systemByteCountMax)
    }
}

extension MachineBody.Network {
    private typealias Bounds = MachineBody.Bounds

    fileprivate init(parsing message: ParsedMessage) throws(RecordError) {
        downMegabitsPerSecond = try message.int(1, "network.down_mbit", in: 0...Bounds.networkMegabitsPerSecondMax)
        upMegabitsPerSecond = try message.int(2, "network.up_mbit", in: 0...Bounds.networkMegabitsPerSecondMax)
        portCount = try message.int(3, "network.ports", in: 0...Bounds.portCountMax)
        reach = try message.value(4, "network.reach")
    }

    fileprivate func write(to writer: inout ProtobufWriter) {
        writer.varint(1, UInt64(downMegabitsPerSecond))
        writer.varint(2, UInt64(upMegabitsPerSecond))
        writer.varint(3, UInt64(portCount))
        writer.varint(4, UInt64(reach?.rawValue ?? 0))
    }

    fileprivate func check() throws(RecordError) {
        try checkBound(downMegabitsPerSecond, "network.down_mbit", max: Bounds.networkMegabitsPerSecondMax)
        try checkBound(upMegabitsPerSecond, "network.up_mbit", max: Bounds.networkMegabitsPerSecondMax)
        try checkBound(portCount, "network.ports", max: Bounds.portCountMax)
    }
}

extension MachineBody.Place {
    fileprivate init(parsing message: ParsedMessage) throws(RecordError) {
        country = try message.text(1, "place.country", max: 2)
        continent = try message.text(2, "place.continent", max: 2)
        city = try message.text(3, "place.city", max: MachineBody.Bounds.cityByteCountMax)
    }

    fileprivate func write(to writer: inout ProtobufWriter) {
        writer.text(1, country)
        writer.text(2, continent)
        writer.text(3, city)
    }
}

extension MachineBody.Power {
    private typealias Bounds = MachineBody.Bounds

    fileprivate init(parsing message: ParsedMessage) throws(RecordError) {
        wattsPerDevice = try message.int(1, "power.watts", in: 0...Bounds.wattsMax)
        gramsPerKilowattHour = try message.int(2, "power.gco2_per_kwh", in: 0...Bounds.gramsPerKilowattHourMax)
        source = try message.text(3, "power.source", max: Bounds.energySourceByteCountMax)
    }

    fileprivate func write(to writer: inout ProtobufWriter) {
        writer.varint(1, UInt64(wattsPerDevice))
        writer.varint(2, UInt64(gramsPerKilowattHour))
        writer.text(3, source)
    }
}

/// Checks that a number which we are about to sign is not negative and within its bound.
func checkBound(_ value: Int, _ name: String, min: Int = 0, max: Int) throws(RecordError) {
    guard (min...max).contains(value) else { throw .outOfBounds(name) }
}

extension ProtobufWriter {
    /// Writes a nested message of which every field may be absent: it is absent itself if all are.
    mutating func messageUnlessEmpty(_ number: Int, _ write: (inout ProtobufWriter) -> Void) {
        var nested = ProtobufWriter()
        write(&nested)
        bytes(number, nested.bytes)
    }
}
