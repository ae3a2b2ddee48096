"""What the items of a report hold, as data: field by field, for both editions.

A field is a number of ``size`` bytes, big endian; its value is ``(raw - zero) / 10**digits``. The two largest raw values
say *abnormal* (…FE) and *invalid* (…FF) where ``marked``. Names are those of the device's properties; ``{n}`` stands for
the number of a motor, a storage subsystem or a stack. Titles (English, Chinese), units and meanings serve the model.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Field(NamedTuple):
    """One number of an item."""

    name: str
    size: int
    digits: int = 0
    zero: int = 0
    unit: str | None = None
    title: str = ""
    title_zh: str = ""
    meaning: str = ""
    """What its codes stand for, for fields that are codes."""
    marked: bool = True
    most: int | None = None
    """Largest raw value that makes sense."""


_STATE: Final = "1 on, 2 off, 3 other"

VEHICLE_2016: Final = (
    Field("vehicle_state", 1, title="Vehicle state", title_zh="车辆状态", meaning=f"{_STATE} (1 启动, 2 熄火, 3 其他)"),
    Field("charge_state", 1, title="Charging state", title_zh="充电状态",
          meaning="1 charging parked, 2 charging while driving, 3 not charging, 4 charged "
          "(1 停车充电, 2 行驶充电, 3 未充电, 4 充电完成)"),
    Field("run_mode", 1, title="Mode of operation", title_zh="运行模式",
          meaning="1 electric, 2 hybrid, 3 fuel (1 纯电, 2 混动, 3 燃油)"),
    Field("speed", 2, 1, unit="km/h", title="Speed", title_zh="车速", most=2200),
    Field("odometer", 4, 1, unit="km", title="Distance travelled", title_zh="累计里程", most=9_999_999),
    Field("total_voltage", 2, 1, unit="V", title="Total voltage", title_zh="总电压", most=10_000),
    Field("total_current", 2, 1, 10_000, "A", "Total current", "总电流", most=20_000),
    Field("soc", 1, unit="%", title="State of charge", title_zh="SOC", most=100),
    Field("dcdc_state", 1, title="DC/DC state", title_zh="DC/DC状态", meaning="1 working, 2 disconnected (1 工作, 2 断开)"),
    Field("gear", 1, title="Gear", title_zh="挡位", marked=False,
          meaning="0 neutral, 1 to 12 gears, 13 reverse, 14 drive, 15 park (0 空挡, 1–12 挡位, 13 倒挡, 14 自动D挡, 15 停车P挡)"),
    Field("insulation_resistance", 2, unit="kOhm", title="Insulation resistance", title_zh="绝缘电阻", most=60_000),
    Field("accelerator", 1, unit="%", title="Accelerator pedal", title_zh="加速踏板行程值", most=100),
    Field("brake", 1, unit="%", title="Brake pedal; 101: braking, without a figure", title_zh="制动踏板状态（101：制动有效）",
          most=101),
)  # fmt: skip
"""Table 9; the gear's byte holds two flags too, see :data:`GEAR_FLAGS`."""

VEHICLE_2025: Final = (
    *VEHICLE_2016[:5],
    Field("total_voltage", 2, 1, unit="V", title="Total voltage", title_zh="总电压"),
    Field("total_current", 2, 1, 30_000, "A", "Total current", "总电流"),
    *VEHICLE_2016[7:11],
)
"""Table 10 of 2025: no pedals, currents from −3000 A."""

GEAR_FLAGS: Final = {"driving_force": 0b0010_0000, "braking_force": 0b0001_0000}
"""Table A.1."""

MOTOR_2016: Final = (
    Field("motor.{n}.state", 1, title="Motor {n} state", title_zh="驱动电机{n}状态",
          meaning="1 consuming, 2 generating, 3 off, 4 ready (1 耗电, 2 发电, 3 关闭, 4 准备)"),
    Field("motor.{n}.controller_temperature", 1, 0, 40, "Cel", "Motor {n} controller temperature", "驱动电机{n}控制器温度", most=250),
    Field("motor.{n}.speed", 2, 0, 20_000, "{rev}/min", "Motor {n} speed", "驱动电机{n}转速", most=65_531),
    Field("motor.{n}.torque", 2, 1, 20_000, "N.m", "Motor {n} torque", "驱动电机{n}转矩", most=65_531),
    Field("motor.{n}.temperature", 1, 0, 40, "Cel", "Motor {n} temperature", "驱动电机{n}温度", most=250),
    Field("motor.{n}.controller_voltage", 2, 1, 0, "V", "Motor {n} controller input voltage", "驱动电机{n}控制器输入电压", most=60_000),
    Field("motor.{n}.controller_current", 2, 1, 10_000, "A", "Motor {n} controller bus current", "驱动电机{n}控制器直流母线电流",
          most=20_000),
)  # fmt: skip
"""Table 11, after the motor's number."""

MOTOR_2025: Final = (
    *MOTOR_2016[:2],
    Field("motor.{n}.speed", 2, 0, 32_000, "{rev}/min", "Motor {n} speed", "驱动电机{n}转速"),
    Field("motor.{n}.torque", 4, 1, 200_000, "N.m", "Motor {n} torque", "驱动电机{n}转矩"),
    MOTOR_2016[4],
)
"""Table 16 of 2025."""

FUEL_CELL_2016: Final = (
    Field("fuel_cell.voltage", 2, 1, 0, "V", "Fuel cell voltage", "燃料电池电压", most=20_000),
    Field("fuel_cell.current", 2, 1, 0, "A", "Fuel cell current", "燃料电池电流", most=20_000),
    Field("fuel_cell.consumption", 2, 2, 0, None, "Fuel consumption, kg/100 km", "燃料消耗率（kg/100km）", most=60_000),
)
"""Table 12 up to the probes, which follow as a count and as many temperatures."""

HYDROGEN_2016: Final = (
    Field("fuel_cell.hydrogen_temperature", 2, 1, 400, "Cel", "Highest temperature of the hydrogen system", "氢系统中最高温度",
          most=2400),
    Field("fuel_cell.hydrogen_temperature_probe", 1, title="Its probe", title_zh="氢系统中最高温度探针代号"),
    Field("fuel_cell.hydrogen_concentration", 2, 0, 0, "mg/kg", "Highest hydrogen concentration", "氢气最高浓度"),
    Field("fuel_cell.hydrogen_concentration_sensor", 1, title="Its sensor", title_zh="氢气最高浓度传感器代号"),
    Field("fuel_cell.hydrogen_pressure", 2, 1, 0, "MPa", "Highest hydrogen pressure", "氢气最高压力", most=1000),
    Field("fuel_cell.hydrogen_pressure_sensor", 1, title="Its sensor", title_zh="氢气最高压力传感器代号"),
    Field("fuel_cell.dcdc_state", 1, title="High-voltage DC/DC state", title_zh="高压DC/DC状态",
          meaning="1 working, 2 disconnected (1 工作, 2 断开)"),
)  # fmt: skip
"""The rest of table 12."""

HYDROGEN_2025: Final = (
    Field(
        "fuel_cell.hydrogen_temperature",
        2,
        0,
        40,
        "Cel",
        "Highest temperature of the hydrogen system",
        "氢系统中最高温度",
    ),
    HYDROGEN_2016[1],
    Field(
        "fuel_cell.hydrogen_concentration_share",
        2,
        4,
        0,
        None,
        "Highest hydrogen concentration, share",
        "氢气最高浓度（比例）",
    ),
    *HYDROGEN_2016[3:],
    Field("fuel_cell.hydrogen_left", 1, unit="%", title="Hydrogen left", title_zh="剩余氢量百分比"),
    Field(
        "fuel_cell.dcdc_temperature",
        1,
        0,
        40,
        "Cel",
        "High-voltage DC/DC controller temperature",
        "高压DC/DC控制器温度",
    ),
)
"""Table 17 of 2025."""

ENGINE_2016: Final = (
    Field("engine.state", 1, title="Engine state", title_zh="发动机状态", meaning="1 running, 2 off (1 启动, 2 关闭)"),
    Field("engine.speed", 2, 0, 0, "{rev}/min", "Crankshaft speed", "曲轴转速", most=60_000),
    Field("engine.consumption", 2, 2, 0, None, "Fuel consumption, L/100 km", "燃料消耗率（L/100km）", most=60_000),
)
"""Table 13."""
ENGINE_2025: Final = ENGINE_2016[1:2]
"""Table 20 of 2025."""

PLACE: Final = (
    Field("longitude", 4, 6, 0, "deg", "Longitude", "经度", most=180_000_000),
    Field("latitude", 4, 6, 0, "deg", "Latitude", "纬度", most=90_000_000),
)
"""Table 14 after the state (table 15), and in 2025 after the system of coordinates too."""
PLACE_INVALID, PLACE_SOUTH, PLACE_WEST = 0b001, 0b010, 0b100

EXTREMES_2016: Final = (
    Field("extreme.max_voltage_subsystem", 1, title="Subsystem of the highest cell voltage", title_zh="最高电压电池子系统号"),
    Field("extreme.max_voltage_cell", 1, title="Cell of the highest voltage", title_zh="最高电压电池单体代号"),
    Field("extreme.max_cell_voltage", 2, 3, 0, "V", "Highest cell voltage", "电池单体电压最高值", most=15_000),
    Field("extreme.min_voltage_subsystem", 1, title="Subsystem of the lowest cell voltage", title_zh="最低电压电池子系统号"),
    Field("extreme.min_voltage_cell", 1, title="Cell of the lowest voltage", title_zh="最低电压电池单体代号"),
    Field("extreme.min_cell_voltage", 2, 3, 0, "V", "Lowest cell voltage", "电池单体电压最低值", most=15_000),
    Field("extreme.max_temperature_subsystem", 1, title="Subsystem of the highest temperature", title_zh="最高温度子系统号"),
    Field("extreme.max_temperature_probe", 1, title="Probe of the highest temperature", title_zh="最高温度探针序号"),
    Field("extreme.max_temperature", 1, 0, 40, "Cel", "Highest temperature", "最高温度值", most=250),
    Field("extreme.min_temperature_subsystem", 1, title="Subsystem of the lowest temperature", title_zh="最低温度子系统号"),
    Field("extreme.min_temperature_probe", 1, title="Probe of the lowest temperature", title_zh="最低温度探针序号"),
    Field("extreme.min_temperature", 1, 0, 40, "Cel", "Lowest temperature", "最低温度值", most=250),
)  # fmt: skip
"""Table 16."""

LEVEL: Final = Field("alarm.level", 1, title="Highest alarm level", title_zh="最高报警等级", most=3,
                     meaning="0 none, 1 driver may go on, 2 driver should limit, 3 stop at once (0 无故障, 1–3 级故障)")  # fmt: skip
ALARMS: Final = (
    ("temperature_difference", "Temperature difference", "温度差异报警"),
    ("battery_temperature_high", "Battery temperature high", "电池高温报警"),
    ("storage_overvoltage", "Storage over-voltage", "车载储能装置类型过压报警"),
    ("storage_undervoltage", "Storage under-voltage", "车载储能装置类型欠压报警"),
    ("soc_low", "State of charge low", "SOC低报警"),
    ("cell_overvoltage", "Cell over-voltage", "单体电池过压报警"),
    ("cell_undervoltage", "Cell under-voltage", "单体电池欠压报警"),
    ("soc_high", "State of charge too high", "SOC过高报警"),
    ("soc_jump", "State of charge jumped", "SOC跳变报警"),
    ("storage_mismatch", "Storage does not match", "可充电储能系统不匹配报警"),
    ("cells_inconsistent", "Cells are inconsistent", "电池单体一致性差报警"),
    ("insulation", "Insulation", "绝缘报警"),
    ("dcdc_temperature", "DC/DC temperature", "DC-DC温度报警"),
    ("brake_system", "Brake system", "制动系统报警"),
    ("dcdc_state", "DC/DC state", "DC-DC状态报警"),
    ("motor_controller_temperature", "Motor controller temperature", "驱动电机控制器温度报警"),
    ("interlock", "High-voltage interlock", "高压互锁状态报警"),
    ("motor_temperature", "Motor temperature", "驱动电机温度报警"),
    ("storage_overcharged", "Storage overcharged", "车载储能装置类型过充"),
    ("motor_overspeed", "Motor over-speed", "驱动电机超速报警"),
    ("motor_overcurrent", "Motor over-current", "驱动电机过流报警"),
    ("capacitor_temperature", "Super-capacitor temperature", "超级电容过温报警"),
    ("capacitor_pressure", "Super-capacitor pressure", "超级电容过压报警"),
    ("thermal_event", "Thermal event of the battery", "动力蓄电池热事件报警"),
    ("hydrogen_leak", "Hydrogen leak", "氢气泄漏报警"),
    ("hydrogen_pressure", "Hydrogen pressure abnormal", "氢系统压力异常报警"),
    ("hydrogen_temperature", "Hydrogen temperature abnormal", "氢系统温度异常报警"),
    ("stack_temperature", "Fuel cell stack temperature", "燃料电池电堆超温报警"),
)
"""The bits of the general alarm flags from bit 0 on (table 18; table 24 of 2025): name, title, 中文."""
ALARM_BITS: Final = {2016: 19, 2025: 28}
FAULTS: Final = ("battery", "motor", "engine", "other")
"""The lists of fault codes, in order: 可充电储能装置、驱动电机、发动机、其他故障."""

STORAGE: Final = (
    Field("storage.{n}.voltage", 2, 1, 0, "V", "Storage {n} voltage", "可充电储能子系统{n}电压", most=10_000),
    Field("storage.{n}.current", 2, 1, 10_000, "A", "Storage {n} current", "可充电储能子系统{n}电流", most=20_000),
    Field("storage.{n}.cells", 2, title="Storage {n} cells", title_zh="可充电储能子系统{n}单体电池总数", most=65_531),
)
"""Table B.6 up to the first cell of this message, the number of cells in it, and their voltages."""
PACK_2025: Final = (
    STORAGE[0],
    Field("storage.{n}.current", 2, 1, 30_000, "A", "Storage {n} current", "动力蓄电池包{n}电流"),
)
"""Table 12 of 2025 up to the number of cells."""
STACK_2025: Final = (
    Field("stack.{n}.voltage", 2, 1, 0, "V", "Stack {n} voltage", "燃料电池电堆{n}电压"),
    Field("stack.{n}.current", 2, 1, 0, "A", "Stack {n} current", "燃料电池电堆{n}电流"),
    Field(
        "stack.{n}.hydrogen_inlet_pressure",
        2,
        1,
        1000,
        "kPa",
        "Stack {n} hydrogen inlet pressure",
        "电堆{n}氢气入口压力",
    ),
    Field("stack.{n}.air_inlet_pressure", 2, 1, 1000, "kPa", "Stack {n} air inlet pressure", "电堆{n}空气入口压力"),
    Field("stack.{n}.air_inlet_temperature", 1, 0, 40, "Cel", "Stack {n} air inlet temperature", "电堆{n}空气入口温度"),
)
"""Table 19 of 2025 up to the temperatures of the cooling water."""
CAPACITOR_2025: Final = (
    Field("capacitor.{n}.voltage", 2, 1, 0, "V", "Capacitor {n} voltage", "超级电容{n}总电压"),
    Field("capacitor.{n}.current", 2, 1, 30_000, "A", "Capacitor {n} current", "超级电容{n}总电流"),
)
"""Table 25 of 2025 up to the cells."""
CAPACITOR_EXTREMES_2025: Final = tuple(
    each._replace(
        name=each.name.replace("extreme.", "capacitor_extreme."),
        size=2 if each.name.endswith(("_cell", "_probe")) else each.size,
    )
    for each in EXTREMES_2016
)
"""Table 26 of 2025: as those of cells were in 2016, with numbers of two bytes."""

UNVERIFIED: Final = {
    "2016 table 12, hydrogen concentration": "Read as mg/kg without an offset; one reader of others subtracts 10000.",
    "2025 table 17, fuel cell": "Order, offsets and scales from one reader of others; not against the text.",
    "2025 table 19, fuel cell stacks": "From one reader of others; another lacks the hydrogen inlet pressure.",
    "2025 table 25, super-capacitors": "From two readers of others, which differ in the cells' scale (0.001 V is taken).",
    "2025 table 26, super-capacitor extremes": "From two readers of others; not against the text.",
    "2025 table 24, alarm bits 19 to 27": "From one reader of others; not against the text.",
    "2025 tables 10 and 16, ranges": "Offsets agree among two readers of others; largest values are not checked.",
}
"""What could not be checked against the text of the standard; all else agrees with independent readers."""
