"""GS1 Prefixes: which member organisation issued a company prefix (General Specifications, clause 1.4.2).

The table is known from use, not from a list obtained from GS1: a meaning taken from it is ``recalled``. The place of
issue is not the place of origin: a company may join any organisation.
"""

from __future__ import annotations

from functools import cache

_ORGANISATIONS = """
000-019 GS1 US|GS1 美国
020-029 restricted distribution within a region|区域内限用
030-039 GS1 US|GS1 美国
040-049 restricted distribution within a company|企业内限用
050-059 GS1 US (reserved)|GS1 美国（预留）
060-139 GS1 US|GS1 美国
200-299 restricted distribution within a region|区域内限用
300-379 GS1 France|GS1 法国
380 GS1 Bulgaria|GS1 保加利亚
383 GS1 Slovenia|GS1 斯洛文尼亚
385 GS1 Croatia|GS1 克罗地亚
387 GS1 Bosnia and Herzegovina|GS1 波黑
389 GS1 Montenegro|GS1 黑山
390 GS1 Kosovo|GS1 科索沃
400-440 GS1 Germany|GS1 德国
450-459 GS1 Japan|GS1 日本
460-469 GS1 Russia|GS1 俄罗斯
470 GS1 Kyrgyzstan|GS1 吉尔吉斯斯坦
471 GS1 Chinese Taipei|GS1 中国台北
474 GS1 Estonia|GS1 爱沙尼亚
475 GS1 Latvia|GS1 拉脱维亚
476 GS1 Azerbaijan|GS1 阿塞拜疆
477 GS1 Lithuania|GS1 立陶宛
478 GS1 Uzbekistan|GS1 乌兹别克斯坦
479 GS1 Sri Lanka|GS1 斯里兰卡
480 GS1 Philippines|GS1 菲律宾
481 GS1 Belarus|GS1 白俄罗斯
482 GS1 Ukraine|GS1 乌克兰
483 GS1 Turkmenistan|GS1 土库曼斯坦
484 GS1 Moldova|GS1 摩尔多瓦
485 GS1 Armenia|GS1 亚美尼亚
486 GS1 Georgia|GS1 格鲁吉亚
487 GS1 Kazakhstan|GS1 哈萨克斯坦
488 GS1 Tajikistan|GS1 塔吉克斯坦
489 GS1 Hong Kong, China|GS1 中国香港
490-499 GS1 Japan|GS1 日本
500-509 GS1 UK|GS1 英国
520-521 GS1 Greece|GS1 希腊
528 GS1 Lebanon|GS1 黎巴嫩
529 GS1 Cyprus|GS1 塞浦路斯
530 GS1 Albania|GS1 阿尔巴尼亚
531 GS1 North Macedonia|GS1 北马其顿
535 GS1 Malta|GS1 马耳他
539 GS1 Ireland|GS1 爱尔兰
540-549 GS1 Belgium & Luxembourg|GS1 比利时和卢森堡
560 GS1 Portugal|GS1 葡萄牙
569 GS1 Iceland|GS1 冰岛
570-579 GS1 Denmark|GS1 丹麦
590 GS1 Poland|GS1 波兰
594 GS1 Romania|GS1 罗马尼亚
599 GS1 Hungary|GS1 匈牙利
600-601 GS1 South Africa|GS1 南非
603 GS1 Ghana|GS1 加纳
604 GS1 Senegal|GS1 塞内加尔
605 GS1 Uganda|GS1 乌干达
606 GS1 Angola|GS1 安哥拉
607 GS1 Oman|GS1 阿曼
608 GS1 Bahrain|GS1 巴林
609 GS1 Mauritius|GS1 毛里求斯
611 GS1 Morocco|GS1 摩洛哥
613 GS1 Algeria|GS1 阿尔及利亚
615 GS1 Nigeria|GS1 尼日利亚
616 GS1 Kenya|GS1 肯尼亚
617 GS1 Cameroon|GS1 喀麦隆
618 GS1 Côte d'Ivoire|GS1 科特迪瓦
619 GS1 Tunisia|GS1 突尼斯
620 GS1 Tanzania|GS1 坦桑尼亚
621 GS1 Syria|GS1 叙利亚
622 GS1 Egypt|GS1 埃及
623 GS1 Brunei|GS1 文莱
624 GS1 Libya|GS1 利比亚
625 GS1 Jordan|GS1 约旦
626 GS1 Iran|GS1 伊朗
627 GS1 Kuwait|GS1 科威特
628 GS1 Saudi Arabia|GS1 沙特阿拉伯
629 GS1 Emirates|GS1 阿联酋
630 GS1 Qatar|GS1 卡塔尔
631 GS1 Namibia|GS1 纳米比亚
632 GS1 Rwanda|GS1 卢旺达
640-649 GS1 Finland|GS1 芬兰
680-681 GS1 China|中国物品编码中心
690-699 GS1 China|中国物品编码中心
700-709 GS1 Norway|GS1 挪威
729 GS1 Israel|GS1 以色列
730-739 GS1 Sweden|GS1 瑞典
740 GS1 Guatemala|GS1 危地马拉
741 GS1 El Salvador|GS1 萨尔瓦多
742 GS1 Honduras|GS1 洪都拉斯
743 GS1 Nicaragua|GS1 尼加拉瓜
744 GS1 Costa Rica|GS1 哥斯达黎加
745 GS1 Panama|GS1 巴拿马
746 GS1 República Dominicana|GS1 多米尼加
750 GS1 Mexico|GS1 墨西哥
754-755 GS1 Canada|GS1 加拿大
759 GS1 Venezuela|GS1 委内瑞拉
760-769 GS1 Switzerland|GS1 瑞士
770-771 GS1 Colombia|GS1 哥伦比亚
773 GS1 Uruguay|GS1 乌拉圭
775 GS1 Peru|GS1 秘鲁
777 GS1 Bolivia|GS1 玻利维亚
778-779 GS1 Argentina|GS1 阿根廷
780 GS1 Chile|GS1 智利
784 GS1 Paraguay|GS1 巴拉圭
786 GS1 Ecuador|GS1 厄瓜多尔
789-790 GS1 Brazil|GS1 巴西
800-839 GS1 Italy|GS1 意大利
840-849 GS1 Spain|GS1 西班牙
850 GS1 Cuba|GS1 古巴
858 GS1 Slovakia|GS1 斯洛伐克
859 GS1 Czech Republic|GS1 捷克
860 GS1 Serbia|GS1 塞尔维亚
865 GS1 Mongolia|GS1 蒙古
867 GS1 North Korea|GS1 朝鲜
868-869 GS1 Türkiye|GS1 土耳其
870-879 GS1 Netherlands|GS1 荷兰
880-881 GS1 South Korea|GS1 韩国
883 GS1 Myanmar|GS1 缅甸
884 GS1 Cambodia|GS1 柬埔寨
885 GS1 Thailand|GS1 泰国
888 GS1 Singapore|GS1 新加坡
890 GS1 India|GS1 印度
893 GS1 Vietnam|GS1 越南
894 GS1 Bangladesh|GS1 孟加拉国
896 GS1 Pakistan|GS1 巴基斯坦
899 GS1 Indonesia|GS1 印度尼西亚
900-919 GS1 Austria|GS1 奥地利
930-939 GS1 Australia|GS1 澳大利亚
940-949 GS1 New Zealand|GS1 新西兰
950-951 GS1 Global Office|GS1 全球办公室
952 demonstrations and examples|演示与示例
955 GS1 Malaysia|GS1 马来西亚
958 GS1 Macau, China|GS1 中国澳门
960-969 GS1 Global Office: GTIN-8|GS1 全球办公室（GTIN-8）
977 serial publications (ISSN)|连续出版物（ISSN）
978-979 books (ISBN)|图书（ISBN）
980 refund receipts|退款凭单
981-984 coupons, common currency area|共同货币区优惠券
990-999 coupons|优惠券
"""


@cache
def _organisations() -> dict[str, tuple[str, str]]:
    found = {}
    for line in _ORGANISATIONS.strip().splitlines():
        numbers, _, names = line.partition(" ")
        first, _, last = numbers.partition("-")
        name, _, name_zh = names.partition("|")
        for number in range(int(first), int(last or first) + 1):
            found[f"{number:03}"] = (name, name_zh)
    return found


def find_organisation(prefix: str) -> tuple[str, str] | None:
    """The name in English and Chinese of who issues company prefixes with this GS1 Prefix of three digits."""
    return _organisations().get(prefix)


def prefix_of(ai: str, value: str) -> tuple[int, str]:
    """Where in a key's value its GS1 Prefix begins, and its three digits; none when they are no digits."""
    at = 0
    if ai in ("01", "02", "03", "8006", "8026"):
        # A GTIN-8 is right-justified in 14 digits and has a GS1-8 Prefix of its own.
        at = 6 if value.startswith("000000") else 1
    elif ai in ("00", "8003"):
        at = 1
    return at, value[at : at + 3]
