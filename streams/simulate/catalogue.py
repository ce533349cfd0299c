"""What can be charged, and which illness is charged for what.

Codes of services are those of the national list where a rule could know them; drugs have the national form
but a manufacturer (99xxx) that does not exist. Prices are invented.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.simulate.money import share, yuan


@dataclass(frozen=True, slots=True)
class Priced:
    """An item in some quantity: its part of the request and of the answer, and its money in cents."""

    asked: str
    answered: str
    total: int
    own: int
    over: int
    first: int
    scope: int


@dataclass(slots=True, eq=False)
class Item:
    """A line of the catalogue. `cents` a unit; `level` 01 in full, 02 partly, 03 not covered."""

    code: str
    name: str
    kind: str  # med_chrgitm_type
    cents: int
    level: str = "01"
    unit: str = "次"
    list_type: str = "201"
    days: int = 0  # days one unit lasts
    rx: str = "0"
    _priced: dict[tuple[int, int, bool], Priced] = field(default_factory=dict)

    def priced(self, count: int, cents: int = 0, numbers: bool = False) -> Priced:
        """This item `count` times (negative: refunded) at `cents` a unit (0: the list price).

        `numbers`: this sender writes numbers as JSON numbers, others as strings.
        """
        key = (count, cents, numbers)
        known = self._priced.get(key)
        if known is None:
            known = self._priced[key] = self._price(count, cents or self.cents, numbers)
        return known

    def _price(self, count: int, cents: int, numbers: bool) -> Priced:
        total = count * cents
        cap = max(cents, self.cents) if cents <= self.cents else self.cents
        over = max(0, cents - cap) * count
        own = total - over if self.level == "03" else 0
        sign = -1 if count < 0 else 1
        first = sign * share(abs(total - over), 1000) if self.level == "02" else 0
        scope = total - own - over - first
        q = "" if numbers else '"'
        amount = (
            f'"det_item_fee_sumamt":{q}{yuan(total)}{q},"cnt":{q}{count}{q},"pric":{q}{yuan(cents)}0000{q}'
        )
        prop = {"01": "0.0000", "02": "0.1000", "03": "1.0000"}[self.level]
        return Priced(
            asked=f'"med_list_codg":"{self.code}","medins_list_codg":"N{self.code[-9:]}",{amount}',
            answered=(
                f'{amount},"pric_uplmt_amt":{q}{yuan(cap)}0000{q},"selfpay_prop":{q}{prop}{q},'
                f'"fulamt_ownpay_amt":{q}{yuan(own)}{q},"overlmt_amt":{q}{yuan(over)}{q},'
                f'"preselfpay_amt":{q}{yuan(first)}{q},"inscp_scp_amt":{q}{yuan(scope)}{q},'
                f'"chrgitm_lv":"{self.level}","med_chrgitm_type":"{self.kind}","bas_medn_flag":"0",'
                f'"hi_nego_drug_flag":"0","chld_medc_flag":"0","list_sp_item_flag":"0","lmt_used_flag":"0",'
                f'"drt_reim_flag":"0","memo":""'
            ),
            total=total,
            own=own,
            over=over,
            first=first,
            scope=scope,
        )


def _service(code: str, name: str, kind: str, cents: int, level: str = "01", unit: str = "次") -> Item:
    return Item(code, name, kind, cents, level, unit)


_serial = 0


def _drug(
    atc: str, name: str, cents: int, days: int, level: str = "01", rx: str = "1", kind: str = "09"
) -> Item:
    global _serial
    _serial += 1
    if kind == "11":
        code = f"Z{atc}X{_serial:04d}010199{_serial:03d}"
    else:
        code = f"X{atc}Y{_serial:03d}A001010199{_serial:03d}"
    return Item(code, name, kind, cents, level, "盒", "101", days, rx)


# Beds, nursing, consultation: charged by the day.
BED = _service("001109000010000", "普通病房床位费", "01", 4000, unit="日")
BED_ICU = _service("001109000030000", "监护病房床位费", "01", 9000, unit="日")
BED_NEWBORN = _service("001109000010600", "新生儿床位费", "01", 1000, unit="日")
BED_ESCORT = _service("990109000010000", "陪护床费", "14", 1000, "03", unit="日")
WARD_ROUND = _service("001102000050000", "住院诊查费", "02", 1500, unit="日")
NURSING_1 = _service("001201000030000", "Ⅰ级护理", "07", 2400, unit="日")
NURSING_2 = _service("001201000040000", "Ⅱ级护理", "07", 1400, unit="日")
NURSING_3 = _service("001201000050000", "Ⅲ级护理", "07", 800, unit="日")
HEATING = _service("001107000010000", "病房取暖费", "14", 300, unit="日")

# Outpatient.
CONSULT = _service("001102000010000", "普通门诊诊查费", "02", 1000)
CONSULT_ER = _service("001102000030000", "急诊诊查费", "02", 1500)
GENERAL = _service("991200000010000", "一般诊疗费", "12", 1000)

# Laboratory.
BLOOD = _service("002501010150000", "血细胞分析", "04", 2000)
URINE = _service("002501020350000", "尿常规分析", "04", 1200)
LIVER = _service("002503050010000", "肝功能测定", "04", 4500)
KIDNEY = _service("002503070010000", "肾功能测定", "04", 3000)
SUGAR = _service("002503020010000", "葡萄糖测定", "04", 600)
LIPID = _service("002503030010000", "血脂测定", "04", 3200)
ELECTROLYTE = _service("002503040010000", "电解质测定", "04", 2500)
CLOTTING = _service("002502030200000", "凝血功能测定", "04", 4000)
CRP = _service("002504010250000", "C反应蛋白测定", "04", 2500)
LABS = (BLOOD, URINE, LIVER, KIDNEY, SUGAR, LIPID, ELECTROLYTE, CLOTTING, CRP)

# Examination.
XRAY = _service("002101020150000", "胸部数字化摄影", "03", 7000)
CT = _service("002103000010000", "X线计算机体层平扫", "03", 21000, "02")
ULTRASOUND = _service("002203010010000", "彩色多普勒超声常规检查", "03", 7500)
ECG = _service("003107010010000", "常规心电图检查", "03", 1800)
GASTROSCOPY = _service("003109020050000", "胃镜检查", "03", 18000, "02")
MRI = _service("002102000010000", "磁共振平扫", "03", 48000, "02")
EXAMS = (XRAY, CT, ULTRASOUND, ECG, GASTROSCOPY, MRI)

# Treatment, operation, material.
INFUSION = _service("001204000060000", "静脉输液", "05", 800)
INJECTION = _service("001204000010000", "肌肉注射", "05", 300)
DRESSING = _service("001206000020000", "换药", "05", 1500)
NEBULISER = _service("001207000010000", "雾化吸入", "05", 800)
OXYGEN = _service("001203000010000", "氧气吸入", "05", 300, unit="小时")
ECG_MONITOR = _service("003107010220000", "心电监测", "05", 600, unit="小时")
SPO2_MONITOR = _service("003107010280000", "血氧饱和度监测", "05", 200, unit="小时")
VENTILATOR = _service("003106030010000", "呼吸机辅助呼吸", "05", 1500, unit="小时")
ACUPUNCTURE = _service("004300000010000", "普通针刺", "05", 2500)
MASSAGE = _service("004500000020000", "颈椎病推拿治疗", "05", 4500)
REHABILITATION = _service("003402000200000", "运动疗法", "05", 3500)
DIALYSIS = _service("003110000070000", "血液透析", "05", 40000)
CHEMO_CARE = _service("001204000070000", "静脉化疗配置", "05", 3000)
PSYCHIATRY_DAILY = _service("003115030010000", "抗精神病药物治疗监测", "05", 1000, unit="日")
OCCUPATIONAL = _service("003115030160000", "工娱治疗", "05", 1200, unit="日")
BIRTH = _service("003314000020000", "单胎顺产接生", "06", 60000)
CAESAREAN = _service("003314000120000", "剖宫产术", "06", 120000)
APPENDECTOMY = _service("003310080010000", "阑尾切除术", "06", 90000)
CATARACT = _service("003303060070000", "白内障超声乳化摘除术", "06", 150000)
HERNIA = _service("003310080250000", "腹股沟疝修补术", "06", 80000)
HIP = _service("003315050090000", "股骨颈骨折闭合复位内固定术", "06", 150000)
ANAESTHESIA = _service("003301000050000", "全身麻醉", "06", 50000)
DIVERSE = (ACUPUNCTURE, MASSAGE, REHABILITATION)
INFUSION_SET = Item("C1405011039990100001", "一次性使用输液器", "08", 350, "02", "套", "301")
LENS = Item("C0302011039990100002", "人工晶体", "08", 120000, "02", "枚", "301")
MESH = Item("C0302021039990100003", "疝修补补片", "08", 90000, "02", "片", "301")

# Belongs to one sex (as the published knowledge points say of these very codes).
VAGINAL_CARE = _service("003112010060000", "阴道灌洗上药", "05", 1500)
FETAL_ECG = _service("003112010250000", "胎儿心电图", "03", 2000)
HYSTEROSCOPY = _service("003313060030000", "宫腔镜检查", "06", 26000)
PROSTATE_FLUID = _service("002501040130000", "前列腺液常规检查", "04", 1000)
SEMEN = _service("002501040040000", "精液常规检查", "04", 1500)
SILDENAFIL = Item("XG04BEX006A001010100111", "枸橼酸西地那非片", "09", 9800, "01", "盒", "101", 10, "1")
CONTRACEPTIVE = Item("XG03AAQ167A001010104735", "屈螺酮炔雌醇片(Ⅱ)", "09", 13000, "01", "盒", "101", 28, "1")

# Drugs.
AMLODIPINE = _drug("C08CA", "苯磺酸氨氯地平片", 1850, 28)
VALSARTAN = _drug("C09CA", "缬沙坦胶囊", 2420, 28)
METFORMIN = _drug("A10BA", "盐酸二甲双胍片", 1260, 30)
GLIMEPIRIDE = _drug("A10BB", "格列美脲片", 2130, 30)
INSULIN = _drug("A10AE", "甘精胰岛素注射液", 7700, 20, "02")
ATORVASTATIN = _drug("C10AA", "阿托伐他汀钙片", 2980, 28)
ASPIRIN = _drug("B01AC", "阿司匹林肠溶片", 1490, 30)
METOPROLOL = _drug("C07AB", "酒石酸美托洛尔片", 980, 20)
CEFUROXIME = _drug("J01DC", "注射用头孢呋辛钠", 1320, 1)
CEFTRIAXONE = _drug("J01DD", "注射用头孢曲松钠", 1170, 1)
AMOXICILLIN = _drug("J01CA", "阿莫西林胶囊", 1240, 6)
AZITHROMYCIN = _drug("J01FA", "阿奇霉素片", 1560, 3)
OMEPRAZOLE = _drug("A02BC", "奥美拉唑肠溶胶囊", 1680, 14)
AMBROXOL = _drug("R05CB", "盐酸氨溴索口服溶液", 2250, 5)
BUDESONIDE = _drug("R03BA", "吸入用布地奈德混悬液", 4200, 3, "02")
IBUPROFEN = _drug("M01AE", "布洛芬缓释胶囊", 1890, 10, rx="0")
LORATADINE = _drug("R06AX", "氯雷他定片", 1370, 6, rx="0")
GLUCOSE = _drug("B05BA", "葡萄糖注射液", 340, 1)
SALINE = _drug("B05XA", "氯化钠注射液", 310, 1)
CITICOLINE = _drug("N06BX", "胞磷胆碱钠注射液", 2650, 1, "02")
FUROSEMIDE = _drug("C03CA", "呋塞米注射液", 260, 1)
HEPARIN = _drug("B01AB", "低分子肝素钠注射液", 3300, 1)
ERYTHROPOIETIN = _drug("B03XA", "人促红素注射液", 4800, 3, "02")
PACLITAXEL = _drug("L01CD", "紫杉醇注射液", 38000, 21, "02")
ONDANSETRON = _drug("A04AA", "盐酸昂丹司琼注射液", 1800, 1)
OLANZAPINE = _drug("N05AH", "奥氮平片", 3600, 14)
RISPERIDONE = _drug("N05AX", "利培酮片", 2800, 15)
OXYTOCIN_LIKE = _drug("B03AB", "多糖铁复合物胶囊", 2700, 10)
ENTECAVIR = _drug("J05AF", "恩替卡韦分散片", 2900, 28)
LEVOTHYROXINE = _drug("H03AA", "左甲状腺素钠片", 3100, 50)
COUGH_SYRUP = _drug("A09BA", "急支糖浆", 2150, 4, rx="0", kind="11")
BANLANGEN = _drug("A01AA", "板蓝根颗粒", 1280, 5, rx="0", kind="11")
XUESAITONG = _drug("A12AA", "血塞通软胶囊", 3450, 10, "02", kind="11")
LIUWEI = _drug("A09CA", "六味地黄丸", 1590, 12, rx="0", kind="11")
STOMACH_POWDER = _drug("A07AA", "胃苏颗粒", 2620, 5, rx="0", kind="11")
PAIN_PLASTER = _drug("A16AA", "消痛贴膏", 3260, 6, "02", rx="0", kind="11")

#: Everything that the county's catalogue registry lists.
ITEMS: tuple[Item, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Item))

COUNTER_DRUGS = (IBUPROFEN, LORATADINE, AMOXICILLIN, AMBROXOL, COUGH_SYRUP, BANLANGEN, LIUWEI, STOMACH_POWDER,
                 PAIN_PLASTER, OMEPRAZOLE)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Illness:
    """An illness, and what it is treated with. Days are those of a stay."""

    code: str
    name: str
    dept: str
    drugs: tuple[Item, ...]
    labs: tuple[Item, ...] = ()
    exams: tuple[Item, ...] = ()
    care: tuple[Item, ...] = ()
    days: tuple[int, int] = (5, 9)
    operation: tuple[str, str, Item] | None = None
    ages: tuple[int, int] = (0, 120)
    sex: str = ""
    winter: bool = False


PNEUMONIA = Illness("J18.900", "肺炎", "A03.01", (CEFTRIAXONE, SALINE, AMBROXOL), (BLOOD, CRP), (XRAY,),
                    (INFUSION, NEBULISER), (6, 9), winter=True)  # fmt: skip
COPD = Illness("J44.100", "慢性阻塞性肺疾病伴急性加重", "A03.01", (BUDESONIDE, CEFUROXIME, SALINE), (BLOOD, ELECTROLYTE),
               (XRAY,), (INFUSION, NEBULISER), (7, 11), ages=(55, 120), winter=True)  # fmt: skip
BRONCHITIS = Illness("J20.900", "急性支气管炎", "A07.04", (CEFUROXIME, SALINE, AMBROXOL), (BLOOD,), (), (INFUSION, NEBULISER),
                     (4, 7), ages=(0, 14), winter=True)  # fmt: skip
STROKE = Illness("I63.900", "脑梗死", "A03.03", (CITICOLINE, ASPIRIN, SALINE), (LIPID, CLOTTING), (CT,), (INFUSION,),
                 (8, 13), ages=(50, 120))  # fmt: skip
CORONARY = Illness("I25.103", "冠状动脉粥样硬化性心脏病", "A03.04", (METOPROLOL, ATORVASTATIN, GLUCOSE), (LIPID, ELECTROLYTE),
                   (ECG, ULTRASOUND), (INFUSION,), (6, 10), ages=(45, 120))  # fmt: skip
HEART_FAILURE = Illness("I50.900", "心力衰竭", "A03.04", (FUROSEMIDE, METOPROLOL, GLUCOSE), (ELECTROLYTE, KIDNEY), (ECG,),
                        (INFUSION,), (7, 11), ages=(60, 120))  # fmt: skip
DIABETES = Illness("E11.900", "2型糖尿病", "A03.07", (INSULIN, METFORMIN), (SUGAR, LIPID), (ECG,), (INJECTION,), (6, 10),
                   ages=(40, 120))  # fmt: skip
GASTRITIS = Illness("K29.500", "慢性胃炎", "A03.02", (OMEPRAZOLE, GLUCOSE), (BLOOD, LIVER), (GASTROSCOPY,), (INFUSION,),
                    (4, 7), ages=(18, 120))  # fmt: skip
APPENDIX = Illness("K35.900", "急性阑尾炎", "A04.01", (CEFUROXIME, GLUCOSE), (BLOOD, CLOTTING), (ULTRASOUND,),
                   (INFUSION, DRESSING), (5, 8), ("47.0100", "腹腔镜下阑尾切除术", APPENDECTOMY), (8, 75))  # fmt: skip
HERNIA_CASE = Illness("K40.900", "腹股沟疝", "A04.01", (CEFUROXIME, SALINE), (BLOOD, CLOTTING), (ULTRASOUND,), (DRESSING,),
                      (3, 6), ("53.0000", "腹股沟疝修补术", HERNIA), (30, 80))  # fmt: skip
FRACTURE = Illness("S72.000", "股骨颈骨折", "A04.03", (HEPARIN, SALINE), (BLOOD, CLOTTING), (XRAY,), (INFUSION, DRESSING),
                   (9, 14), ("79.1500", "股骨骨折闭合复位内固定术", HIP), (60, 120))  # fmt: skip
BACK = Illness("M51.202", "腰椎间盘突出", "A50", (IBUPROFEN, XUESAITONG), (BLOOD,), (MRI,), (ACUPUNCTURE, MASSAGE), (6, 10),
               ages=(30, 75))  # fmt: skip
KIDNEY_STONE = Illness("N20.100", "输尿管结石", "A04.04", (SALINE, CEFUROXIME), (URINE, KIDNEY), (ULTRASOUND,), (INFUSION,),
                       (3, 6), ages=(20, 70))  # fmt: skip
SCHIZOPHRENIA = Illness("F20.900", "精神分裂症", "A15", (OLANZAPINE,), (BLOOD, LIVER), (ECG,),
                        (PSYCHIATRY_DAILY, OCCUPATIONAL), (35, 80), ages=(18, 70))  # fmt: skip
CHEMOTHERAPY = Illness("Z51.102", "恶性肿瘤维持性化学治疗", "A19", (PACLITAXEL, ONDANSETRON, SALINE), (BLOOD, LIVER), (),
                       (CHEMO_CARE, INFUSION), (3, 4), ages=(35, 85))  # fmt: skip
DELIVERY = Illness("O80.000", "单胎自然分娩", "A05.02", (OXYTOCIN_LIKE,), (BLOOD, CLOTTING), (ULTRASOUND,), (DRESSING,), (3, 4),
                   ("73.5900", "手法助产", BIRTH), (20, 42), "2")  # fmt: skip
CAESAREAN_CASE = Illness("O82.000", "选择性剖宫产分娩", "A05.02", (CEFUROXIME, SALINE), (BLOOD, CLOTTING), (ULTRASOUND,),
                         (DRESSING, INFUSION), (5, 6), ("74.1x00", "剖宫产术", CAESAREAN), (20, 44), "2")  # fmt: skip
NEWBORN = Illness("P59.900", "新生儿黄疸", "A07.01", (GLUCOSE,), (LIVER, BLOOD), (), (INFUSION,), (3, 6))
CATARACT_CASE = Illness("H25.900", "老年性白内障", "A10", (SALINE,), (BLOOD,), (), (DRESSING,), (0, 0),
                        ("13.4100", "白内障超声乳化抽吸术", CATARACT), (55, 90))  # fmt: skip
PROSTATE_CASE = Illness("N40.x00", "前列腺增生", "A04.04", (SALINE, CEFUROXIME), (URINE, KIDNEY), (ULTRASOUND,), (INFUSION,),
                        (5, 8), ages=(60, 90), sex="1")  # fmt: skip
FIBROIDS = Illness("D25.900", "子宫平滑肌瘤", "A05.01", (SALINE, CEFUROXIME), (BLOOD, CLOTTING), (ULTRASOUND,), (INFUSION,),
                   (5, 8), ages=(32, 60), sex="2")  # fmt: skip

#: Ordinary reasons for a stay, with a weight.
STAY_ILLNESSES: tuple[tuple[Illness, int], ...] = (
    (PNEUMONIA, 12), (COPD, 12), (BRONCHITIS, 12), (STROKE, 12), (CORONARY, 10), (HEART_FAILURE, 5), (DIABETES, 9),
    (GASTRITIS, 7), (APPENDIX, 4), (HERNIA_CASE, 3), (FRACTURE, 3), (BACK, 8), (KIDNEY_STONE, 4), (PROSTATE_CASE, 3),
    (FIBROIDS, 3), (CATARACT_CASE, 4),
)  # fmt: skip

COLD = Illness(
    "J06.900", "急性上呼吸道感染", "A02", (BANLANGEN, IBUPROFEN, AMOXICILLIN), (BLOOD,), winter=True
)
COUGH = Illness("R05.x00", "咳嗽", "A03.01", (AMBROXOL, COUGH_SYRUP), (), (XRAY,), winter=True)
INDIGESTION = Illness("K30.x00", "功能性消化不良", "A03.02", (OMEPRAZOLE, STOMACH_POWDER), ())
BACK_PAIN = Illness(
    "M54.500", "下背痛", "A50", (PAIN_PLASTER, IBUPROFEN), (), (), (ACUPUNCTURE, MASSAGE), ages=(25, 90)
)
ALLERGY = Illness("L50.900", "荨麻疹", "A13", (LORATADINE,), (BLOOD,))
DIZZINESS = Illness("R42.x00", "头晕", "A03.03", (XUESAITONG,), (SUGAR,), (ECG,), ages=(35, 100))
CHECK_HEART = Illness("I49.900", "心律失常", "A03.04", (METOPROLOL,), (ELECTROLYTE,), (ECG,), ages=(40, 100))
VAGINITIS = Illness(
    "N76.000", "急性阴道炎", "A05.01", (AMOXICILLIN,), (URINE,), (), (VAGINAL_CARE,), ages=(18, 60), sex="2"
)
PRENATAL = Illness(
    "Z34.900",
    "正常妊娠监督",
    "A05.02",
    (OXYTOCIN_LIKE,),
    (BLOOD, URINE),
    (ULTRASOUND,),
    ages=(20, 42),
    sex="2",
)
PROSTATITIS = Illness(
    "N41.100", "慢性前列腺炎", "A04.04", (CEFUROXIME,), (PROSTATE_FLUID, URINE), (), ages=(25, 70), sex="1"
)
SKIN_WOUND = Illness("S61.000", "手指开放性伤口", "A20", (AMOXICILLIN,), (), (XRAY,), (DRESSING,))

#: Ordinary reasons for an outpatient visit, with a weight.
CLINIC_ILLNESSES: tuple[tuple[Illness, int], ...] = (
    (COLD, 30), (COUGH, 12), (INDIGESTION, 12), (BACK_PAIN, 10), (ALLERGY, 6), (DIZZINESS, 9), (CHECK_HEART, 6),
    (VAGINITIS, 4), (PROSTATITIS, 2), (SKIN_WOUND, 5),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chronic:
    """A chronic disease of the outpatient list (opsp_dise_code) and its monthly drugs."""

    code: str
    name: str
    icd: str
    drugs: tuple[Item, ...]


CHRONICS = (
    Chronic("M03900", "高血压", "I10.x00", (AMLODIPINE, VALSARTAN)),
    Chronic("M01600", "糖尿病", "E11.900", (METFORMIN, GLIMEPIRIDE)),
    Chronic("M04600", "冠心病", "I25.103", (ASPIRIN, ATORVASTATIN)),
    Chronic("M02000", "慢性乙型肝炎", "B18.100", (ENTECAVIR,)),
    Chronic("M02200", "甲状腺功能减退", "E03.900", (LEVOTHYROXINE,)),
)
RENAL = Chronic("M07800", "慢性肾功能衰竭透析", "N18.500", (ERYTHROPOIETIN,))
